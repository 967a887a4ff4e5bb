import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../console/usage-error.js';
import { excerpt } from '../../ground/printable.js';
import { messageOf } from '../../ground/thrown.js';
import type { ConfigurationData } from '../../raft/configuration.js';
import type { LogEntry, LogIndex } from '../../raft/entry.js';
import { type Inspection, inspectDirectory } from '../../storage/inspection.js';
import { NodeFileSystem } from '../../storage/node-file-system.js';
import { keyFileOption, readKey } from '../key-file.js';
import { invocation, option } from '../subcommand.js';

const EXIT = { whole: 0, damaged: 1, usage: 2 } as const;
const nodeName = /^node-\d+$/;

interface Settings {
  readonly keyFile?: string;
  readonly entries?: { readonly from: LogIndex; readonly to: LogIndex };
  readonly json?: true;
}

/** `conclave inspect-data`: what a node's directory holds. Changes nothing. */
export function inspectDataCommand(command: Command): void {
  command
    .argument('<DIR>', 'a node’s directory, or one with the directories of several')
    .description(
      'Prints what a node’s directory holds: term, vote, segments, snapshots, configuration, first damage. Changes nothing, and takes no lock.',
    )
    .addOption(keyFileOption())
    .addOption(option('--entries <FROM-TO>', 'print these entries, opened', parseRange))
    .option('--json', 'print a line of JSON for each directory')
    .addHelpText(
      'after',
      '\nExit status: 0 all is whole, 1 something is damaged, 2 a wrong option or no log.',
    )
    .showHelpAfterError(`Run ${invocation('inspect-data')} --help for all options.`)
    .action((directory: string, settings: Settings) => {
      process.exitCode = run(directory, settings);
    });
}

/** @throws {UsageError} */
function run(directory: string, { keyFile, entries, json }: Settings): number {
  const key = readKey(keyFile);
  let exitCode: number = EXIT.whole;
  for (const place of placesIn(directory)) {
    const found = inspectDirectory(new NodeFileSystem('read'), place, key);
    if (found === null) throw new UsageError(`There is no log in ${place} that can be read.`);
    const listed = entries === undefined ? [] : found.entries(entries.from, entries.to);
    process.stdout.write(
      json === true ? `${JSON.stringify(asJson(found, listed))}\n` : asText(found, listed),
    );
    if (found.damage !== null || found.snapshots.some(({ flaw }) => flaw !== null)) exitCode = EXIT.damaged;
  }
  return exitCode;
}

/** The directories of the nodes that are there, or this one. @throws {UsageError} */
export function placesIn(directory: string): string[] {
  if (!existsSync(directory)) throw new UsageError(`There is no directory ${directory}.`);
  try {
    const nodes = readdirSync(directory).filter((name) => nodeName.test(name));
    return nodes.length === 0 ? [directory] : nodes.sort().map((name) => join(directory, name));
  } catch (error) {
    throw new UsageError(`${directory} cannot be read: ${messageOf(error)}.`);
  }
}

/** @throws {UsageError} */
function parseRange(text: string): { from: LogIndex; to: LogIndex } {
  const [, first, last = first] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text) ?? [];
  if (first === undefined) throw new UsageError(`"${text}" names no entries. Give FROM-TO, or one.`);
  return { from: Number(first), to: Number(last) };
}

function asText(found: Inspection, entries: readonly LogEntry[] | null): string {
  const { identity, holder, hardState, birth, configuration, base, lastIndex, damage } = found;
  const lines = [
    `node ${identity.nodeId} of cluster "${excerpt(identity.clusterId)}" in ${found.directory}`,
    ...(holder === null ? [] : [`  in use by process ${holder.pid}: what that is writing may look torn`]),
    `  term ${hardState.term}, ${hardState.votedFor === null ? 'no vote in it' : `vote for node ${hardState.votedFor}`}`,
    lastIndex === base.index
      ? `  no entries after ${base.index}`
      : `  entries ${base.index + 1} to ${lastIndex}${base.index === 0 ? '' : `, after entry ${base.index} of term ${base.term}`}`,
    `  sealed with ${found.cipher ?? 'a cipher that the log does not name'}`,
    `  made with ${birth === null ? 'members that the log does not name' : membersOf(birth)}`,
    configuration === null
      ? '  no other configuration that can be read'
      : `  configured at entry ${configuration.index} with ${membersOf(configuration.data)}`,
    ...found.segments.map(
      ({ name, formatVersion, bytes, firstIndex }) =>
        `  segment ${name}  format ${formatVersion}, ${bytes} bytes, from entry ${firstIndex} on`,
    ),
    ...found.snapshots.map(({ name, mark, bytes, chunks, flaw }) => {
      const what =
        mark === null ? '' : `  entry ${mark.index} of term ${mark.term}, ${bytes} bytes in ${chunks} chunks`;
      return `  snapshot ${name}${what}${flaw === null ? '' : `  DAMAGED: ${flaw}`}`;
    }),
    ...(found.tornBytes === 0
      ? []
      : [`  ${found.tornBytes} torn bytes at the end, which the next start cuts off`]),
    damage === null ? '  no damage' : `  DAMAGED: ${damage.file} at byte ${damage.offset}: ${damage.reason}`,
    ...(entries === null ? ['  the entries are sealed: give --key-file'] : entries.map(entryLine)),
  ];
  return `${lines.join('\n')}\n`;
}

function entryLine({ index, term, kind, leaderId, command }: LogEntry): string {
  const text = kind === 'command' ? `  ${excerpt(Buffer.from(command).toString('utf8'))}` : '';
  return `  ${index}/${term}  ${kind} of node ${leaderId}, ${command.length} bytes${text}`;
}

export function membersOf({ voters, learners, outgoing }: ConfigurationData): string {
  const named = (members: ConfigurationData['voters']) =>
    members.map(({ id, address }) => (address === '' ? `${id}` : `${id} at ${excerpt(address)}`)).join(', ');
  return [
    `voters ${named(voters)}`,
    ...(outgoing === null ? [] : [`leaving ${named(outgoing)}`]),
    ...(learners.length === 0 ? [] : [`learners ${named(learners)}`]),
  ].join('; ');
}

function asJson(found: Inspection, entries: readonly LogEntry[] | null): object {
  const { directory, identity, holder, cipher, hardState, birth, configuration, base, lastIndex } = found;
  return {
    directory,
    clusterId: identity.clusterId,
    nodeId: identity.nodeId,
    holder,
    cipher,
    term: hardState.term,
    votedFor: hardState.votedFor,
    birth,
    configuration,
    base,
    firstIndex: base.index + 1,
    lastIndex,
    tornBytes: found.tornBytes,
    segments: found.segments,
    snapshots: found.snapshots,
    damage: found.damage,
    entries:
      entries === null
        ? null
        : entries.map(({ command, ...entry }) => ({
            ...entry,
            command: Buffer.from(command).toString('base64'),
          })),
  };
}
