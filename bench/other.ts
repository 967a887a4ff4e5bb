import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { InvalidOptionError } from '../src/ground/errors.js';
import type { Measurement } from './measure.js';
import type { Row } from './rows.js';

/** What another program's line must carry; its other fields do not matter. */
interface OtherLine {
  readonly ops_per_s?: unknown;
  readonly p50_ms?: unknown;
  readonly p99_ms?: unknown;
}

/**
 * Runs another program's benchmark for a row and reads the one line of JSON it prints: `ops_per_s`, `p50_ms`,
 * `p99_ms`. `{nodes}`, `{inFlight}`, `{bytes}` and `{seconds}` in the command are filled in; a command without any
 * of them gets `-c INFLIGHT -size BYTES -d SECONDSs -nodes NODES` appended.
 * @throws {InvalidOptionError} when the program fails or prints something else.
 */
export async function measureOther(command: string, row: Row, seconds: number): Promise<Measurement> {
  const values: Record<string, number> = {
    nodes: row.nodes,
    inFlight: row.inFlight,
    bytes: row.bytes,
    seconds,
  };
  const filled = command.replace(/\{(nodes|inFlight|bytes|seconds)\}/g, (_, name: string) =>
    String(values[name]),
  );
  const flags = `-c ${row.inFlight} -size ${row.bytes} -d ${seconds}s -nodes ${row.nodes}`;
  const line = filled === command ? `${command} ${flags}` : filled;
  let output: string;
  try {
    ({ stdout: output } = await promisify(execFile)('/bin/sh', ['-c', line]));
  } catch (error) {
    throw new InvalidOptionError(
      `The other program failed: ${line}\n${error instanceof Error ? error.message : error}`,
    );
  }
  const measured = parseLine(output);
  if (measured === null) {
    throw new InvalidOptionError(
      `The other program printed no line with ops_per_s, p50_ms and p99_ms: ${line}`,
    );
  }
  return measured;
}

function parseLine(output: string): Measurement | null {
  const last = output.trim().split('\n').at(-1) ?? '';
  try {
    const { ops_per_s, p50_ms, p99_ms } = JSON.parse(last) as OtherLine;
    if (typeof ops_per_s !== 'number' || typeof p50_ms !== 'number' || typeof p99_ms !== 'number')
      return null;
    return { committedPerSecond: ops_per_s, p50Ms: p50_ms, p99Ms: p99_ms };
  } catch {
    return null;
  }
}
