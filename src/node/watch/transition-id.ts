import type { AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** The `id` in a chart of a transition that a running machine took. */
export function transitionId(transition: AnyTransitionDefinition): string {
  const { source, eventType } = transition;
  return `${pathOf(source)}:${eventName(transition)}:${alternatives(source, eventType).indexOf(transition)}`;
}

/** The path of a state node, such as `alive.follower`; empty for the machine itself. */
export function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}

/** The transitions of a state for one event, in the order in which they are tried. */
export function alternatives(node: AnyStateNode, eventType: string): readonly AnyTransitionDefinition[] {
  return (eventType === '' ? node.always : node.transitions.get(eventType)) ?? [];
}

/** An event's type as people read it. XState writes timers and finished actors as events with long names. */
export function eventName({ eventType, source }: AnyTransitionDefinition): string {
  if (eventType === '') return 'always';
  const [, kind, name] =
    /^xstate\.(after|done\.state|done\.actor|error\.actor|snapshot)\.(.*)$/.exec(eventType) ?? [];
  if (kind === undefined || name === undefined) return eventType;
  if (kind === 'done.state') return 'done';
  if (kind === 'after') {
    const delay = name.slice(0, -source.id.length - 1);
    return /^\d+$/.test(delay) ? `after ${delay} ms` : `after ${delay}`;
  }
  const actor = source.invoke.find(({ id }) => id === name)?.src;
  return `${kind.split('.')[0]} ${typeof actor === 'string' ? actor : name}`;
}
