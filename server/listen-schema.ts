// The schema of what `listen` holds besides host and port.
import { isIP } from 'node:net';
import { z } from 'zod';

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  if (bits === undefined) return true;
  // A prefix of no length would trust everybody.
  return /^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

export const trustProxy = z
  .array(z.string().refine(isNetwork, 'expected an address or network such as 10.0.0.7 or 10.0.0.0/24'))
  .max(100)
  .default([])
  .describe('addresses and networks of proxies whose `X-Forwarded-For` is believed');
