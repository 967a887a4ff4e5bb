import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { UsageError } from '../console/usage-error.js';
import { messageOf } from '../ground/thrown.js';
import { aesKeyBytes } from '../wire/aes-cipher.js';

export function keyFileOption(): Option {
  return new Option(
    '--key-file <FILE>',
    `the key of a sealed log: ${aesKeyBytes} bytes, or ${2 * aesKeyBytes} hexadecimal digits`,
  ).env('CONCLAVE_KEY_FILE');
}

/** The key of a sealed log; null where none was named. @throws {UsageError} */
export function readKey(file: string | undefined): Uint8Array | null {
  if (file === undefined) return null;
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`--key-file: ${messageOf(error)}.`);
  }
  if (bytes.length === aesKeyBytes) return new Uint8Array(bytes);
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  throw new UsageError(
    `--key-file: ${file} holds neither ${aesKeyBytes} bytes nor ${2 * aesKeyBytes} hexadecimal digits.`,
  );
}
