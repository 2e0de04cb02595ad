// The version that the command line tells: that of the guard itself.
export { version } from '../server/version.ts';
