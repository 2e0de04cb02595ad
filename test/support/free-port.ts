// A port of the loopback that nobody listens on at the moment of asking.
import { createServer, type AddressInfo } from 'node:net';

/** Asks the kernel for a free TCP port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
