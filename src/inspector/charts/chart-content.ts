import type { ChartDefinition, ChartState, ChartTransition } from './chart-definition.js';
import type { NoteGeometry } from './chart-geometry.js';
import { brokenLabel, type Line, lineText, lineWidth, nameText } from './chart-text.js';

/** What stands written in a state's box: its name, and below it what happens without leaving the state. */
export interface StateContent {
  readonly width: number;
  readonly height: number;
  readonly items: readonly PlacedItem[];
}

/** A piece of text with its place relative to the box. */
export type PlacedItem = Item & { readonly x: number; readonly y: number };

type Item = ItemOf & { readonly lines: readonly Line[]; readonly width: number; readonly height: number };
type ItemOf =
  | { readonly what: 'note'; readonly kind: NoteGeometry['kind']; readonly text: string }
  | { readonly what: 'transition'; readonly transition: ChartTransition };

export const content = {
  nameHeight: 28,
  paddingX: 12,
  paddingBottom: 10,
  columnGap: 24,
} as const;

/** Whether a transition is a line of text in its state's box: one that ends where it began leads nowhere else. */
export function isWritten({ source, target }: ChartTransition): boolean {
  return target === null || target === source;
}

/** Arranges a state's text in as many columns as `widthMax` has room for, and at least one. */
export function stateContent(chart: ChartDefinition, state: ChartState, widthMax: number): StateContent {
  const items = itemsOf(chart, state);
  const nameWidth = state.key.length * nameText.character;
  let columns = 1;
  let best = inColumns(items, columns);
  while (columns < items.length) {
    const next = inColumns(items, ++columns);
    if (next.width + 2 * content.paddingX > widthMax) break;
    best = next;
  }
  return {
    width: Math.ceil(Math.max(nameWidth, best.width) + 2 * content.paddingX),
    height: content.nameHeight + (items.length === 0 ? 0 : best.height + content.paddingBottom),
    items: best.items,
  };
}

function itemsOf(chart: ChartDefinition, state: ChartState): Item[] {
  const notes = (['entry', 'exit', 'invoke'] as const).flatMap((kind) =>
    (kind === 'invoke' ? state.invokes : state[kind]).map((name): Item => {
      const text = `${kind} / ${name}`;
      const lines: Line[] = [
        [
          { role: 'event', text: kind },
          { role: 'actions', text: ` / ${name}` },
        ],
      ];
      return sized({ what: 'note', kind, text }, lines);
    }),
  );
  const inner = chart.transitions.filter(
    (transition) => transition.source === state.path && isWritten(transition),
  );
  return [
    ...notes,
    ...inner.map((transition) => sized({ what: 'transition', transition }, brokenLabel(transition))),
  ];
}

function sized(item: ItemOf, lines: readonly Line[]): Item {
  return {
    ...item,
    lines,
    width: Math.max(...lines.map(lineWidth)),
    height: lines.length * lineText.height,
  };
}

/** Columns filled one after the other, as low as they can be with at most so many. */
function inColumns(items: readonly Item[], columnsMax: number): StateContent {
  const total = items.reduce((sum, { height }) => sum + height, 0);
  let heightMax = Math.ceil(total / columnsMax);
  let columns = filled(items, heightMax);
  // Ends: at the height of all items together there is one column.
  while (columns.length > columnsMax) {
    heightMax += lineText.height;
    columns = filled(items, heightMax);
  }

  const placed: PlacedItem[] = [];
  let x: number = content.paddingX;
  for (const column of columns) {
    let y: number = content.nameHeight;
    for (const item of column) {
      placed.push({ ...item, x, y });
      y += item.height;
    }
    x += Math.max(0, ...column.map(({ width }) => width)) + content.columnGap;
  }
  return {
    width: x - content.columnGap - content.paddingX,
    height: Math.max(0, ...columns.map(heightOf)),
    items: placed,
  };
}

function filled(items: readonly Item[], heightMax: number): Item[][] {
  const columns: Item[][] = [[]];
  for (const item of items) {
    const last = columns.at(-1);
    if (last !== undefined && (last.length === 0 || heightOf(last) + item.height <= heightMax))
      last.push(item);
    else columns.push([item]);
  }
  return columns;
}

function heightOf(column: readonly Item[]): number {
  return column.reduce((sum, { height }) => sum + height, 0);
}
