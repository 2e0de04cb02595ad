// The program of a scanning thread, for bundles in which it is part of one file: importing this is running it.
import '../server/scanning/worker.ts';
