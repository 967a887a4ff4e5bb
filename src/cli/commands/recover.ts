import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { makeDirectory, nodeDirectory } from '../../cluster/nodes/node-directories.js';
import { parseInteger } from '../../console/notation.js';
import { UsageError } from '../../console/usage-error.js';
import { ConclaveError } from '../../ground/errors.js';
import { excerpt, excerptLines } from '../../ground/printable.js';
import { messageOf } from '../../ground/thrown.js';
import { Configuration } from '../../raft/configuration.js';
import type { NodeId } from '../../raft/entry.js';
import { beginServerAnew, type FormerServer, formerServer } from '../../server/identity.js';
import { holderOf } from '../../storage/directory-lock.js';
import { DirectoryLockedError } from '../../storage/errors.js';
import { beginAnew, inheritanceOf } from '../../storage/new-beginning.js';
import { NodeFileSystem } from '../../storage/node-file-system.js';
import { WriteAheadLog } from '../../storage/write-ahead-log.js';
import { keyFileOption, readKey } from '../key-file.js';
import { describePlan, planOf, type RecoveryPlan, type Remains, remainsIn } from '../recovery-plan.js';
import { calledByNpm, invocation, option } from '../subcommand.js';
import { placesIn } from './inspect-data.js';

const EXIT = { done: 0, not: 1 } as const;
/** As many as `conclave cluster` starts. */
const membersMax = 31;
/** As `RaftCluster` allows. */
const clusterIdLengthMax = 64;

interface Settings {
  readonly data: string;
  readonly forceMembers: readonly NodeId[];
  readonly out?: string;
  readonly from?: NodeId;
  readonly clusterId?: string;
  readonly keyFile?: string;
  readonly dryRun?: true;
  readonly yes?: true;
}

/** `conclave recover`: a new cluster out of a survivor's directory, once a quorum is lost for good. */
export function recoverCommand(command: Command): void {
  command
    .description(
      'Makes a new cluster out of what one survivor has, when a majority of the voters is lost for good. Acknowledged commands may be lost with it. The old directory is only read; none of its nodes may run.',
    )
    .requiredOption('--data <DIR>', 'the cluster’s directory, or what is left of it')
    .addOption(
      option(
        '--force-members <IDS>',
        'the new cluster’s voters: 0, or 0,1,2, each with a copy of the survivor’s data; of a process’s directory its own number',
        parseMembers,
      ).makeOptionMandatory(),
    )
    .option('--out <DIR>', 'where the new cluster is made; not there yet, or empty (default: DIR-recovered)')
    .addOption(
      option('--from <N>', 'the survivor (default: the one with the most up-to-date log)', (text) =>
        parseInteger('--from', text, 0, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(option('--cluster-id <ID>', 'the new cluster’s id (default: drawn)', parseClusterId))
    .addOption(keyFileOption())
    .addOption(new Option('--dry-run', 'say what would be done, and make nothing').conflicts('yes'))
    .option('--yes', 'do not ask; needed where there is no terminal')
    .addHelpText(
      'after',
      '\nExit status: 0 it is made, or would be; 1 it was not to be, or failed; 2 wrong use, or what is there will not do.',
    )
    .showHelpAfterError(`Run ${invocation('recover')} --help for all options.`)
    .action(async (settings: Settings) => {
      process.exitCode = await run(settings);
    });
}

/** @throws {UsageError} */
async function run(settings: Settings): Promise<number> {
  const { data, forceMembers, dryRun = false, clusterId = randomUUID() } = settings;
  const out = resolve(settings.out ?? `${resolve(data)}-recovered`);
  const key = readKey(settings.keyFile);
  requireFree(out);
  const places = placesIn(data);
  const server = formerServer(data);
  const members = server === null ? requireFromZero(forceMembers) : requireAlone(forceMembers, server);
  const remains = remainsIn(places, key);
  const plan = planOf(remains, key, settings.from ?? null);
  if (clusterId === plan.from.found.identity.clusterId) {
    throw new UsageError(
      `--cluster-id: "${excerpt(clusterId)}" is the old cluster’s id. Lost members that come back would be taken for the new one’s; choose another.`,
    );
  }
  say([
    ...describePlan(remains, plan),
    `${dryRun ? 'Would be made' : 'To be made'}: cluster "${excerpt(clusterId)}" in ${excerpt(out)}, with ${members.length === 1 ? 'the one voter' : 'voters'} ${members.join(', ')}. ${data} stays as it is.`,
  ]);
  if (dryRun) return EXIT.done;
  if (!(await isWanted(settings))) {
    say(['Nothing was made.']);
    return EXIT.not;
  }
  try {
    makeCluster(remains, plan, { out, clusterId, members, server });
  } catch (error) {
    // What is wrong with the survivor, or with the place of the new cluster.
    if (!(error instanceof ConclaveError || (error instanceof Error && 'code' in error))) throw error;
    process.stderr.write(`error: ${excerptLines(messageOf(error))}\nNothing was made.\n`);
    return EXIT.not;
  }
  say(['', ...(server === null ? whatNext(out, clusterId, members, plan) : whatNextOf(server, out))]);
  return EXIT.done;
}

/** Made under another name first: a cluster that is not whole must never be started. */
function makeCluster(
  remains: readonly Remains[],
  { from, cipher }: RecoveryPlan,
  {
    out,
    clusterId,
    members,
    server,
  }: {
    readonly out: string;
    readonly clusterId: string;
    readonly members: readonly NodeId[];
    readonly server: FormerServer | null;
  },
): void {
  const { directory, found } = from;
  const unfinished = unfinishedOf(out);
  const inheritance = inheritanceOf(new NodeFileSystem('read'), directory, found.identity, cipher);
  const terms = remains.map((each) => Math.max(each.found?.hardState.term ?? 0, each.end.term));
  const hardState = { term: Math.max(...terms) + 1, votedFor: null };
  makeDirectory(dirname(out));
  mkdirSync(unfinished, { mode: 0o700 });
  try {
    for (const nodeId of members) {
      const storage = new WriteAheadLog({
        fileSystem: new NodeFileSystem(),
        directory: nodeDirectory(unfinished, nodeId),
        clusterId,
        nodeId,
      });
      try {
        const addresses = server === null ? {} : { [server.id]: server.address };
        beginAnew(storage, inheritance, hardState, Configuration.of(members, [], addresses).data);
      } finally {
        storage.close();
      }
    }
    if (server !== null) beginServerAnew(unfinished, server, clusterId);
    const holder = holderOf(directory);
    if (holder !== null) throw new DirectoryLockedError(directory, holder.pid, holder.owner);
    renameSync(unfinished, out);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
  new NodeFileSystem().syncDirectory(dirname(out));
}

function unfinishedOf(out: string): string {
  return `${out}.unfinished`;
}

/** @throws {UsageError} */
function requireFree(out: string): void {
  const unfinished = unfinishedOf(out);
  if (existsSync(unfinished)) {
    throw new UsageError(
      `${excerpt(unfinished)} is left of a recovery that was broken off, or belongs to one that runs. Remove it, or name another place with --out.`,
    );
  }
  try {
    if (!existsSync(out) || readdirSync(out).length === 0) return;
  } catch (error) {
    throw new UsageError(`--out: ${messageOf(error)}.`);
  }
  throw new UsageError(
    `--out: ${excerpt(out)} is not empty, and nothing is ever overwritten. Name a directory that is not there yet.`,
  );
}

/** @throws {UsageError} where nobody can be asked */
async function isWanted({ yes }: Settings): Promise<boolean> {
  if (yes === true) return true;
  if (!(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new UsageError('There is no terminal to ask at. Give --yes to have it done, or --dry-run.');
  }
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const ended = new Promise<string>((end) => prompt.once('close', () => end('')));
    const answer = await Promise.race([prompt.question('Type yes to make it: '), ended]);
    return answer.trim().toLowerCase() === 'yes';
  } finally {
    prompt.close();
  }
}

function whatNext(
  out: string,
  clusterId: string,
  members: readonly NodeId[],
  { cipher }: RecoveryPlan,
): string[] {
  const start = calledByNpm('recover') ? 'npm run cluster --' : 'conclave cluster';
  const shell = `  ${start} --data ${quoted(out)} --cluster-id ${quoted(clusterId)} --nodes ${members.length}`;
  const program = `  RaftCluster.start({ nodes: ${members.length}, clusterId: ${JSON.stringify(clusterId)}, storage: { kind: 'disk', directory: ${JSON.stringify(out)} }, … })`;
  return [
    'It is made. Start it, with the application that it had:',
    // The program `cluster` knows no other.
    ...(cipher.kind === 'pseudo' ? [shell, 'or in a program'] : []),
    `${program}${cipher.kind === 'pseudo' ? '' : `, with its cipher, "${cipher.kind}"`}`,
    `Let it grow again: at its prompt "add ${members.length}", in a program cluster.addMember(${members.length}).`,
    'Never start the old one again, nor any member of it that is found: two clusters would take commands. Keep its directory until you are sure that nothing in it is missed.',
  ];
}

function whatNextOf({ id, cluster, address }: FormerServer, out: string): string[] {
  const listen = address === '' ? 'HOST:PORT' : quoted(address);
  const at = `--id ${id} --cluster ${quoted(cluster)} --data ${quoted(out)} --listen ${listen}`;
  return [
    'It is made. Start it, with the certificates, cipher and application that it had:',
    `  conclave server ${at}`,
    'Let it grow again: start other processes with empty directories, under numbers that the old cluster had or not, and',
    `  conclave server --id N --cluster ${quoted(cluster)} --data DIR --listen HOST:PORT --join ${listen}`,
    'Never start the old member again, nor any other that is found: their cluster has another id and is refused, but would take commands of its own. Keep their directories until you are sure that nothing in them is missed.',
  ];
}

function quoted(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function parseMembers(text: string): readonly NodeId[] {
  const ids = text.split(',').map((id) => parseInteger('--force-members', id, 0, Number.MAX_SAFE_INTEGER));
  return ids.sort((a, b) => a - b);
}

/** @throws {UsageError} for others than a cluster of one process starts with */
function requireFromZero(ids: readonly NodeId[]): readonly NodeId[] {
  if (ids.every((id, at) => id === at && id < membersMax)) return ids;
  throw new UsageError(
    `--force-members ${ids.join(',')}: a cluster is made with the voters 0, 1, 2 and so on, without gaps. Give 0, or 0,1,2: whose data they get is --from's to say. Others are added when it runs.`,
  );
}

/** A process has the data of one member: the cluster begins with it alone. @throws {UsageError} */
function requireAlone(ids: readonly NodeId[], { id }: FormerServer): readonly NodeId[] {
  if (ids.length === 1 && ids[0] === id) return ids;
  throw new UsageError(
    `--force-members ${ids.join(',')}: this is the directory of node ${id}, a process of its own, and the new cluster begins with it alone. Give --force-members ${id}; the others join it when it runs.`,
  );
}

/** @throws {UsageError} */
function parseClusterId(text: string): string {
  if (text.length > 0 && text.length <= clusterIdLengthMax) return text;
  throw new UsageError(`--cluster-id has 1 to ${clusterIdLengthMax} characters.`);
}

function say(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
