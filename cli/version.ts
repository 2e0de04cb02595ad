// The version of this program, from its package.
import packageData from '../package.json' with { type: 'json' };

export const version: string = packageData.version;
