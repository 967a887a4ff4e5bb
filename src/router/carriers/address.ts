import { isIPv6 } from 'node:net';
import { InvalidOptionError } from '../../ground/errors.js';
import { shown } from '../../ground/option-checks.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A name or IPv4 address, or an IPv6 address in brackets, and a port. */
const form = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_.-]{1,253})):([0-9]{1,5})$/;

/**
 * Reads `host:port` or `[IPv6]:port`.
 * @throws InvalidOptionError
 */
export function parseAddress(text: string): Address {
  const [, v6, name, digits] = (typeof text === 'string' ? form.exec(text) : null) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535 || (v6 !== undefined && !isIPv6(v6))) {
    throw new InvalidOptionError(
      `${shown(text)} is no address. Give a host and a port, such as 127.0.0.1:7001, db1.example:7001 or [::1]:7001.`,
    );
  }
  return { host: v6 ?? (name as string), port };
}

export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True for what never leaves this machine. Other names than `localhost` are not looked up: they may change. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(host);
}
