import type { Value } from '../application/key-value/commands.js';
import { printable } from '../ground/printable.js';

/** Bytes as JSON: text where they are UTF-8, else base64 under a name that says so. */
export function bytesJson(bytes: Uint8Array): { readonly text: string } | { readonly base64: string } {
  const text = utf8(bytes);
  return text === null ? { base64: Buffer.from(bytes).toString('base64') } : { text };
}

/** Bytes for people: text where they are UTF-8, else hexadecimal; nothing that would move a terminal's cursor. */
export function bytesText(bytes: Uint8Array): string {
  const text = utf8(bytes);
  return text === null ? `0x${Buffer.from(bytes).toString('hex')}` : printable(text);
}

/** A stored value as JSON: a string, `{ base64 }` for bytes, null for none. */
export function valueJson(value: Value | null): string | { readonly base64: string } | null {
  if (value === null || typeof value === 'string') return value;
  return { base64: Buffer.from(value).toString('base64') };
}

export function valueText(value: Value): string {
  return typeof value === 'string' ? printable(value) : bytesText(value);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}
