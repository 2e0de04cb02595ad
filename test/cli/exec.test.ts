// `forgeguard exec` with real programs: what they print is hidden, all else is theirs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCastEvent, readCastHeader } from '../../core/asciicast.ts';
import { alphanumeric, glue, pem, scrambled, ssn } from '../scanners/values.ts';
import { run, type RunOptions } from '../support/run.ts';
import { signalProcess } from '../support/signal-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { program } from './program.ts';

const hidden = ssn.replaceAll(/\S/g, '*');
const env = { PATH: process.env['PATH'] ?? '' };

function exec(words: readonly string[], options: Partial<RunOptions> = {}) {
  return run(process.execPath, [program, 'exec', ...words], { env, ...options });
}

const sh = (script: string, options: Partial<RunOptions> = {}) => exec(['--', 'sh', '-c', script], options);

/** Starts it, and gives what it says as it comes. */
function start(script: string) {
  const child = spawn(process.execPath, [program, 'exec', '--', 'sh', '-c', script], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const says = async (text: string): Promise<void> => {
    while (!said.includes(text)) await once(child.stdout, 'data');
  };
  return { child, says, said: () => said };
}

describe('forgeguard exec', () => {
  test('hides values on both streams and ends as the program does', async () => {
    const done = await exec([
      '--summary',
      '--',
      'sh',
      '-c',
      `echo "ssn: ${ssn}"; echo "ssn: ${ssn}" >&2; exit 7`,
    ]);
    expect(done).toMatchObject({ code: 7, stdout: `ssn: ${hidden}\n` });
    expect(done.stderr).toBe(`ssn: ${hidden}\nforgeguard: hid 2 values of phi/ssn\n`);
  });

  test('takes arguments as they are, without a shell', async () => {
    const args = [
      '--',
      process.execPath,
      '-p',
      'process.argv.slice(1).join("|")',
      '--',
      '-x',
      '$HOME',
      'a b',
    ];
    expect(await exec(args)).toMatchObject({ code: 0, stdout: '-x|$HOME|a b\n' });
  });

  test('gives its input to the program', async () => {
    expect(await exec(['cat'], { input: `one\nssn: ${ssn}` })).toMatchObject({
      code: 0,
      stdout: `one\nssn: ${hidden}`,
    });
  });

  test('says what it could not start', async () => {
    const missing = await exec(['--', 'no-such-program']);
    expect(missing).toMatchObject({ code: 127, stdout: '' });
    expect(missing.stderr).toBe("forgeguard: couldn't start no-such-program (ENOENT)\n");
    await using directory = await temporaryDirectory('exec');
    const file = join(directory.path, 'plain.txt');
    await writeFile(file, 'text');
    expect(await exec(['--', file])).toMatchObject({ code: 126 });
    expect(await exec([])).toMatchObject({ code: 2 });
  });

  test('mirrors the death of the program by a signal', async () => {
    expect(await sh('kill -TERM $$')).toMatchObject({ code: 143 });
    expect(await sh('kill -KILL $$')).toMatchObject({ code: 137 });
  });

  test('passes signals on', async () => {
    const { child, says } = start(
      'trap "echo caught; exit 5" TERM; echo ready; while :; do sleep 0.05; done',
    );
    await says('ready\n');
    child.kill('SIGTERM');
    await says('caught\n');
    expect(await once(child, 'close')).toEqual([5, null]);
  });

  test('shows lines and prompts while the program runs', async () => {
    const { child, says, said } = start(
      `echo "ssn: ${ssn}"; printf "Go on? "; read answer; echo "$answer"; printf "ssn: ${ssn.slice(0, 6)}"; sleep 0.5; echo "${ssn.slice(6)}"`,
    );
    await says('Go on? ');
    expect(said()).toBe(`ssn: ${hidden}\nGo on? `);
    child.stdin.end('yes\n');
    expect(await once(child, 'close')).toEqual([0, null]);
    // The beginning of a value that is written in two parts is held until its line is whole.
    expect(said()).toBe(`ssn: ${hidden}\nGo on? yes\nssn: ${hidden}\n`);
  });

  test('shows lines of a program that never pauses', async () => {
    const { child, says } = start('while :; do echo line; sleep 0.01; done');
    await says('line\n');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([143, null]);
  });

  test('hides a key that is written with pauses', async () => {
    const key = pem(glue('RSA PRIVATE', ' KEY'), scrambled(400, alphanumeric));
    const lines = key.trimEnd().split('\n');
    const done = await sh(lines.map((line) => `echo "${line}"; sleep 0.1`).join('\n'));
    expect(done.code).toBe(0);
    for (const line of lines.slice(1, -1)) expect(done.stdout).not.toContain(line);
    expect(done.stdout).toHaveLength(key.length);
  });

  test('a large output comes whole to a slow reader', async () => {
    const size = 40_000_000;
    const child = spawn(
      process.execPath,
      [
        program,
        'exec',
        '--',
        process.execPath,
        '-e',
        `process.stdout.write("${'word '.repeat(20)}\\n".repeat(${(size / 101) | 0}))`,
      ],
      { env, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let bytes = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      child.stdout.pause();
      setTimeout(() => child.stdout.resume(), bytes % 7 === 0 ? 5 : 0);
    });
    await once(child, 'close');
    expect(bytes).toBe(((size / 101) | 0) * 101);
  });

  test('does not wait for what the program left behind', async () => {
    const done = await sh('sleep 60 & echo "$!"; printf "half a line"');
    signalProcess(done.stdout.split('\n')[0] ?? '', 'SIGTERM');
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toMatch(/^\d+\nhalf a line$/);
    expect(done.seconds).toBeLessThan(20);
  });

  test('a program whose reader went away ends as without the guard', async () => {
    const child = spawn(process.execPath, [program, 'exec', '--', 'yes'], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    // By SIGPIPE, or by the error that it tells of its pipe.
    expect([1, 141]).toContain((await once(child, 'close'))[0]);
  });
});

describe('a recording', () => {
  test('keeps what was shown, in order and with times, and is played', async () => {
    await using directory = await temporaryDirectory('recording');
    const cwd = directory.path;
    const script = `echo "ssn: ${ssn}"; sleep 0.6; printf '\\033[2Jend\\n'`;
    const done = await exec(['--record', 'run.cast', '--', 'sh', '-c', script], { cwd });
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const text = await readFile(join(cwd, 'run.cast'), 'utf8');
    expect(text).not.toContain(ssn);
    const [header, ...events] = text.trim().split('\n');
    expect(readCastHeader(header ?? '')).toMatchObject({ width: 80, height: 24 });
    const outputs = events.map(readCastEvent).filter((event) => typeof event === 'object');
    expect(outputs.map(({ text: shown }) => shown).join('')).toBe(`ssn: ${hidden}\r\n\x1b[2Jend\r\n`);
    expect((outputs.at(-1)?.at ?? 0) - (outputs[0]?.at ?? 0)).toBeGreaterThan(0);
    const played = await run(process.execPath, [program, 'session', 'replay', 'run.cast'], { env, cwd });
    expect(played).toMatchObject({ code: 0, stdout: `ssn: ${hidden}\r\nend\r\n` });
    // What is there is not written over.
    expect(await exec(['--record', 'run.cast', '--', 'true'], { cwd })).toMatchObject({ code: 2 });
    await writeFile(join(cwd, 'none.cast'), 'x\n');
    const none = await run(process.execPath, [program, 'session', 'replay', 'none.cast'], { env, cwd });
    expect(none).toMatchObject({ code: 2 });
  });
});
