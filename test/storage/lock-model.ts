import type { Life, LockHost } from '../../src/storage/lock-host.js';

/*
 * Processes that contend for a lock, on a file system that has the atomicity of POSIX and no more: each call that
 * enters the kernel is one step, and between any two steps of one process the others may take any number of theirs.
 *
 * What a process does next follows from what it was told so far. So its code, which is the production code as it is,
 * runs from the beginning for every step: it is told what it was told, then one thing more, and then stands still.
 */

/** A file or a directory: which one, for two may have the same place one after the other. */
type Entry = { readonly file: string; readonly text: string } | { readonly directory: string };
/** What is in each directory, by name. */
type Files = Readonly<Record<string, Readonly<Record<string, Entry>>>>;

/** An answer, or an error's code. */
type Told = { readonly answer: unknown } | { readonly code: string };

/** What has become of a contender, in its own words. */
export type Phase = 'tries' | 'holds' | 'leaves' | 'refused' | 'crashed' | `failed: ${string}`;

export interface Contender {
  readonly pid: number;
  /** A thread of a process that goes on when it crashes. */
  readonly isThread?: true;
  /** It begins when this other one has crashed. */
  readonly succeeds?: number;
  run(host: ModelHost): void;
}

interface Standing {
  readonly phase: Phase;
  readonly isOver: boolean;
  readonly hasBegun: boolean;
  readonly told: readonly Told[];
}

export interface State {
  readonly files: Files;
  readonly standings: readonly Standing[];
}

/** Files as one writes them down: a text, or a directory. */
export interface Tree {
  readonly [name: string]: string | Tree;
}

export interface Rules {
  readonly crashes: boolean;
  /**
   * Nobody looks at another's claim, so that what is done to one's own is nobody's business and no step; and what was
   * seen in one attempt is taken to be forgotten in the next, as the code has it. Without this, a world of three has
   * more states than can be visited.
   */
  readonly claimsAreHidden: boolean;
  /** A contender begins only after the one before it: nothing is lost where all are alike. */
  readonly inOrder: boolean;
}

const root = 'd';
const claims = `${root}/LOCK.claim.`;

export function beginning(contenders: readonly Contender[], tree: Tree): State {
  const files: Record<string, Record<string, Entry>> = {};
  const plant = (id: string, branch: Tree) => {
    const entries: Record<string, Entry> = {};
    files[id] = entries;
    for (const [name, leaf] of Object.entries(branch)) {
      if (typeof leaf === 'string') entries[name] = { file: `${id}/${name}`, text: leaf };
      else {
        entries[name] = { directory: `${id}/${name}` };
        plant(`${id}/${name}`, leaf);
      }
    }
  };
  plant(root, tree);
  const standings = contenders.map(
    () => ({ phase: 'tries', isOver: false, hasBegun: false, told: [] }) as const,
  );
  return { files, standings };
}

export function treeOf(files: Files, id = root): Tree {
  return Object.fromEntries(
    Object.entries(files[id] ?? {}).map(([name, entry]) => [
      name,
      'text' in entry ? entry.text : treeOf(files, entry.directory),
    ]),
  );
}

/** All states that follow from one by a step or a crash of one contender. */
export function after(state: State, contenders: readonly Contender[], rules: Rules): State[] {
  return contenders.flatMap((contender, at) => {
    const { standings } = state;
    const standing = standings[at] as Standing;
    if (standing.isOver) return [];
    if (contender.succeeds !== undefined && standings[contender.succeeds]?.phase !== 'crashed') return [];
    if (rules.inOrder && standings[at - 1]?.hasBegun === false) return [];
    const crashed: Standing = { phase: 'crashed', isOver: true, hasBegun: true, told: [] };
    const next = [stepped(state, contenders, at, rules)];
    return rules.crashes && standing.hasBegun ? [...next, replaced(state, at, crashed)] : next;
  });
}

function stepped(state: State, contenders: readonly Contender[], at: number, rules: Rules): State {
  const host = new ModelHost(state, contenders, at, rules);
  try {
    contenders[at]?.run(host);
  } catch (error) {
    if (!host.isPaused) throw error;
  }
  const { isPaused, phase, told, files } = host;
  // Of one that does nothing more it does not matter what it knew.
  const standing = { phase, isOver: !isPaused, hasBegun: true, told: isPaused ? told : [] };
  return { ...replaced(state, at, standing), files };
}

function replaced({ files, standings }: State, at: number, standing: Standing): State {
  return { files, standings: standings.map((each, other) => (other === at ? standing : each)) };
}

/** Gives equal states equal keys. */
export class Keys {
  readonly #numbers = new Map<string, number>();
  /** Most of a state is of the one before. */
  readonly #known = new WeakMap<object, number>();

  of({ files, standings }: State): string {
    const places = Object.keys(files)
      .sort()
      .map((id) => `${id}=${this.#numberOf(files[id] ?? {})}`);
    return `${places} ${standings.map((standing) => this.#numberOf(standing))}`;
  }

  #numberOf(part: object): number {
    const known = this.#known.get(part);
    if (known !== undefined) return known;
    const text = JSON.stringify(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    this.#known.set(part, number);
    return number;
  }
}

/** Thrown where the code is to stand still; what it does about that is not heard. */
class Pause extends Error {}

class ModelError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The machine as one contender has it, for one step beyond what it was told already. */
export class ModelHost implements LockHost {
  readonly pid: number;
  readonly #before: State;
  readonly #contenders: readonly Contender[];
  readonly #at: number;
  readonly #rules: Rules;
  readonly #files: Record<string, Readonly<Record<string, Entry>>>;
  readonly #told: Told[];
  #phase: Phase = 'tries';
  #heard = 0;
  #hasStepped = false;
  #isPaused = false;
  #namesGiven = 0;
  /** How much it had been told when it first tried for the lock. */
  #toldBefore: number | null = null;

  constructor(before: State, contenders: readonly Contender[], at: number, rules: Rules) {
    this.pid = (contenders[at] as Contender).pid;
    this.#before = before;
    this.#contenders = contenders;
    this.#at = at;
    this.#rules = rules;
    this.#files = { ...before.files };
    this.#told = [...(before.standings[at] as Standing).told];
  }

  get files(): Files {
    return this.#files;
  }

  get told(): readonly Told[] {
    return this.#told;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The contender says what has become of it. */
  enter(phase: Phase): void {
    // It works for as long as it likes before it leaves; that others come into their own is nothing it does.
    this.#step(() => null, phase !== 'leaves');
    this.#phase = phase;
  }

  lifeOf(pid: number): Life {
    // Of itself it is no news.
    if (pid === this.pid) return { isAlive: true, startTime: `life of ${pid}` };
    return this.#step(() => {
      const isAlive = this.#contenders.some((each, at) => {
        const isThere = each.isThread === true || this.#before.standings[at]?.phase !== 'crashed';
        return each.pid === pid && isThere;
      });
      return { isAlive, startTime: `life of ${pid}` };
    }, !this.#rules.crashes);
  }

  unique(): string {
    return `${this.#at}-${this.#namesGiven++}`;
  }

  makeDirectory(path: string): void {
    this.#change(path, (entries, name) => {
      if (entries[name] !== undefined) throw new ModelError('EEXIST');
      const directory = `made by ${this.#at} as ${path}`;
      this.#files[directory] = {};
      return { ...entries, [name]: { directory } };
    });
  }

  createFile(path: string, text: string): void {
    const file = `made by ${this.#at} as ${path}`;
    this.#change(path, (entries, name) => {
      if (entries[name] !== undefined) throw new ModelError('EEXIST');
      return { ...entries, [name]: { file, text: '' } };
    });
    this.#step(() => {
      // It writes to the file that it opened, wherever that is by now, and if it is nowhere.
      for (const [id, entries] of Object.entries(this.#files)) {
        for (const [name, entry] of Object.entries(entries)) {
          if ('file' in entry && entry.file === file)
            this.#files[id] = { ...entries, [name]: { file, text } };
        }
      }
    }, this.#isOwnClaim(path));
  }

  renameDirectory(from: string, to: string): void {
    this.#toldBefore ??= this.#heard;
    const isNew = this.#heard === this.#told.length && !this.#hasStepped;
    if (isNew && this.#rules.claimsAreHidden) {
      this.#told.length = this.#toldBefore;
      this.#heard = this.#toldBefore;
    }
    this.#step(() => {
      const source = this.#placeOf(from);
      const target = this.#placeOf(to);
      const moved = this.#entryAt(from);
      const there = this.#files[target.id]?.[target.name];
      if (there !== undefined) {
        if ('text' in there) throw new ModelError('ENOTDIR');
        if (this.#isFull(there.directory)) throw new ModelError('ENOTEMPTY');
        delete this.#files[there.directory];
      }
      this.#files[source.id] = without(this.#files[source.id], source.name);
      this.#files[target.id] = { ...this.#files[target.id], [target.name]: moved };
    });
  }

  list(path: string): string[] {
    if (path === root && this.#rules.claimsAreHidden) return [];
    // The outermost directory is the same all the time: to open it is no step.
    const opened =
      path === root
        ? root
        : this.#step(() => {
            const entry = this.#entryAt(path);
            if ('text' in entry) throw new ModelError('ENOTDIR');
            return entry.directory;
          });
    // Of the directory that was opened, wherever it is by now; nothing when it is nowhere.
    return this.#step(() => Object.keys(this.#files[opened] ?? {}).sort());
  }

  read(path: string): string {
    return this.#step(() => {
      const entry = this.#entryAt(path);
      if ('directory' in entry) throw new ModelError('EISDIR');
      return entry.text;
    });
  }

  removeFile(path: string): void {
    this.#change(path, (entries, name) => {
      if ('directory' in this.#entryAt(path)) throw new ModelError('EISDIR');
      return without(entries, name);
    });
  }

  removeDirectory(path: string): void {
    this.#change(path, (entries, name) => {
      const entry = this.#entryAt(path);
      if ('text' in entry) throw new ModelError('ENOTDIR');
      if (this.#isFull(entry.directory)) throw new ModelError('ENOTEMPTY');
      delete this.#files[entry.directory];
      return without(entries, name);
    });
  }

  #change(
    path: string,
    act: (entries: Readonly<Record<string, Entry>>, name: string) => Readonly<Record<string, Entry>>,
  ): void {
    this.#step(() => {
      const { id, name } = this.#placeOf(path);
      this.#files[id] = act(this.#files[id] ?? {}, name);
    }, this.#isOwnClaim(path));
  }

  #isOwnClaim(path: string): boolean {
    return this.#rules.claimsAreHidden && path.startsWith(claims);
  }

  #isFull(directory: string): boolean {
    return Object.keys(this.#files[directory] ?? {}).length > 0;
  }

  #entryAt(path: string): Entry {
    if (path === root) return { directory: root };
    const { id, name } = this.#placeOf(path);
    const entry = this.#files[id]?.[name];
    if (entry === undefined) throw new ModelError('ENOENT');
    return entry;
  }

  #placeOf(path: string): { id: string; name: string } {
    const slash = path.lastIndexOf('/');
    const parent = this.#entryAt(path.slice(0, slash));
    if ('text' in parent) throw new ModelError('ENOTDIR');
    return { id: parent.directory, name: path.slice(slash + 1) };
  }

  /** @param isFree nobody else sees it, or it sees what cannot change: it belongs to the step before. */
  #step<Answer>(act: () => Answer, isFree = false): Answer {
    if (this.#heard === this.#told.length) {
      if (this.#isPaused || (this.#hasStepped && !isFree)) {
        this.#isPaused = true;
        throw new Pause();
      }
      if (!isFree) this.#hasStepped = true;
      this.#told.push(this.#tell(act));
    }
    const told = this.#told[this.#heard++] as Told;
    if ('code' in told) throw new ModelError(told.code);
    return told.answer as Answer;
  }

  #tell(act: () => unknown): Told {
    try {
      return { answer: act() };
    } catch (error) {
      if (error instanceof ModelError) return { code: error.code };
      throw error;
    }
  }
}

function without(
  entries: Readonly<Record<string, Entry>> = {},
  name: string,
): Readonly<Record<string, Entry>> {
  const { [name]: _, ...others } = entries;
  return others;
}
