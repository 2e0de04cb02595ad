// What the configuration says about reports.
import { closed } from '../core/schema.ts';
import { fileName } from './config-values.ts';

export const reportsSchema = closed({
  chromium: fileName
    .optional()
    .describe(
      'the program of a Chromium that prints reports as PDF; without it the usual places are looked at',
    ),
});
