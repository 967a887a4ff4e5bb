import type { Value } from '../application/key-value/commands.js';

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

/** Control characters as escapes, so that stored text cannot drive a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    return escaped === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : escaped;
  });
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}
