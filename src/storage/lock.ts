/** Keeps a second process out of a directory. */
export interface Lock {
  /** @throws DirectoryLockedError when somebody alive holds it. */
  acquire(): void;
  /** Gives it up; does nothing when it is not held. */
  release(): void;
}
