import type { Random } from '../../ground/random.js';
import type { VirtualTime } from './virtual-time.js';

/** Carries one thing after another, each some time late, in virtual time. None overtakes another. */
export class Courier {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #lateMsMax: number;
  #underWay: (() => void)[] = [];

  constructor(time: VirtualTime, random: Random, lateMsMax: number) {
    this.#time = time;
    this.#random = random;
    this.#lateMsMax = lateMsMax;
  }

  /** Whichever is due first brings what was sent first. */
  carry(arrive: () => void): void {
    this.#underWay.push(arrive);
    this.#time.after(this.#random.next() * this.#lateMsMax, () => this.#underWay.shift()?.());
  }

  /** Brings now what is under way. */
  hurry(): void {
    for (const arrive of this.#underWay.splice(0)) arrive();
  }

  /** Some of what is under way is lost: all that was sent last, from somewhere on. */
  loseSome(): void {
    this.#underWay.length = this.#random.below(this.#underWay.length + 1);
  }
}
