import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh directory of the real file system. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'conclave-storage-'));
}

export function removeDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** Every file of a directory but the lock, with its bytes in hexadecimal. */
export function filesOf(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => !name.startsWith('LOCK'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'hex')]));
}
