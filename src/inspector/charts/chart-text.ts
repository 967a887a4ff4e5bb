import type { ChartTransition } from './chart-definition.js';
import type { LabelSpan } from './chart-geometry.js';

/*
 * Text is measured without a browser. So that the measure holds wherever the drawing is shown, it is set in the
 * reader's monospace font: of those in use none is wider than 0.605 em a character.
 */

/** Height of a capital's line, and width of one character, in CSS pixels. */
export const nameText = { size: 13, character: 13 * 0.605 } as const;
export const lineText = { size: 11, character: 11 * 0.605, height: 15 } as const;

/** Longer lines are broken before their actions, where they have some. */
const LINE_CHARACTERS_MAX = 46;

/** Before a transition that leaves its state only to enter it again. */
const REENTERS = '↻';

export type Line = readonly LabelSpan[];

export function lineWidth(line: Line): number {
  return textOf(line).length * lineText.character;
}

export function textOf(line: Line): string {
  return line.map(({ text }) => text).join('');
}

/** `event [guard] / actions`, as in UML. */
export function labelOf(transition: ChartTransition): Line {
  const { event, guard, actions, source, target } = transition;
  return [
    { role: 'event', text: source === target ? `${REENTERS} ${event}` : event },
    ...(guard === null ? [] : [{ role: 'guard', text: ` [${guard}]` } as const]),
    ...(actions.length === 0 ? [] : [{ role: 'actions', text: ` / ${actions.join(', ')}` } as const]),
  ];
}

/** The label in lines short enough for a drawing: whole where it fits, else with every action below the event. */
export function brokenLabel(transition: ChartTransition, charactersMax = LINE_CHARACTERS_MAX): Line[] {
  const whole = labelOf(transition);
  if (textOf(whole).length <= charactersMax) return [whole];
  const condition = whole.filter(({ role }) => role !== 'actions');
  const conditionLines: Line[] =
    textOf(condition).length <= charactersMax
      ? [condition]
      : condition.map((span, nth) => [nth === 0 ? span : { ...span, text: ` ${span.text}` }]);
  const actionLines = transition.actions.map((action, nth): Line => {
    const last = nth === transition.actions.length - 1;
    return [{ role: 'actions', text: `  ${nth === 0 ? '/' : ' '} ${action}${last ? '' : ','}` }];
  });
  return [...conditionLines, ...actionLines];
}
