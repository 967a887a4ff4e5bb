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
  const inner = chart.transitions.filter(({ source, target }) => source === state.path && target === null);
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

/** Fills columns of about equal height, one after the other. */
function inColumns(items: readonly Item[], columns: number): StateContent {
  const total = items.reduce((sum, { height }) => sum + height, 0);
  const placed: PlacedItem[] = [];
  let [x, y, columnWidth, height, before] = [content.paddingX as number, 0, 0, 0, 0];
  for (const item of items) {
    const column = Math.floor((before + item.height / 2) / (total / columns));
    const current = Math.floor((before - 1) / (total / columns));
    if (y > 0 && column > Math.max(0, current)) {
      x += columnWidth + content.columnGap;
      y = 0;
      columnWidth = 0;
    }
    placed.push({ ...item, x, y: content.nameHeight + y });
    y += item.height;
    before += item.height;
    columnWidth = Math.max(columnWidth, item.width);
    height = Math.max(height, y);
  }
  return { width: x + columnWidth - content.paddingX, height, items: placed };
}
