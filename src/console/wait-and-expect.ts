import { setTimeout as delay } from 'node:timers/promises';
import { ConclaveError, TimeoutError } from '../ground/errors.js';
import type { Command, CommandContext, Run } from './command.js';
import { type Condition, conditionForms, parseCondition, type Sight } from './conditions.js';
import { durationMsMax, parseInteger } from './notation.js';
import { lookEveryMs } from './picture.js';
import type { Arguments } from './words.js';

/** An expectation that a moment's work may still fulfil is given this long. */
export const expectGraceMs = 1_000;

/** A script expected something that is not so. */
export class ExpectationError extends ConclaveError {
  constructor(wanted: string, seen: string) {
    super('EXPECTATION_FAILED', `Expected ${wanted}, but ${seen}.`);
  }
}

export const wait: Command = {
  name: 'wait',
  forms: ['MS', ...conditionForms],
  help: 'wait so many milliseconds, or until it is so: for 10 s if it is about a leader, else for 30 s, or as long as "within MS" at the end says',
  isPatient: true,
  parse(args, ids) {
    const first = args.peek();
    if (first !== undefined && /^\d/.test(first)) return parsePause(args);
    const condition = parseCondition(args, ids);
    const timeoutMs = args.takes('within') ? parseDuration(args) : condition.patienceMs;
    args.end();
    return async (context, asker) => {
      const startedAt = performance.now();
      const sight = await lookUntil(context, condition, timeoutMs, asker);
      if (!sight.holds) throw new TimeoutError(`${condition.wanted} (but ${sight.seen})`, timeoutMs);
      const ms = Math.round(performance.now() - startedAt);
      return { fields: { ...sight.fields, ms }, lines: [`${sight.seen}, after ${ms} ms`] };
    };
  },
};

export const expect: Command = {
  name: 'expect',
  forms: [...conditionForms],
  help: 'fail unless it is so, now or within a second',
  parse(args, ids) {
    const condition = parseCondition(args, ids);
    args.end();
    return async (context, asker) => {
      const sight = await lookUntil(context, condition, expectGraceMs, asker);
      if (!sight.holds) throw new ExpectationError(condition.wanted, sight.seen);
      return { fields: sight.fields, lines: [`as expected: ${sight.seen}`] };
    };
  },
};

function parsePause(args: Arguments): Run {
  const ms = parseDuration(args);
  args.end();
  return async (_, asker) => {
    await delay(ms, undefined, { signal: asker });
    return { fields: { ms }, lines: [`waited ${ms} ms`] };
  };
}

function parseDuration(args: Arguments): number {
  return parseInteger('A time in milliseconds', args.next('The time in milliseconds'), 0, durationMsMax);
}

/** Looks until the condition holds, the time is over or nobody asks any more; once at least. */
async function lookUntil(
  context: CommandContext,
  condition: Condition,
  timeoutMs: number,
  asker: AbortSignal,
): Promise<Sight> {
  const deadline = performance.now() + timeoutMs;
  const look = async () => {
    for (;;) {
      const sight = await condition.look(context);
      const leftMs = deadline - performance.now();
      if (sight.holds || leftMs <= 0) return sight;
      await delay(Math.min(lookEveryMs, leftMs), undefined, { signal: asker });
    }
  };
  return condition.needsRest ? context.blocks.paused(look) : look();
}
