import type { NodeId } from '../../../raft/entry.js';
import { svg } from '../base/elements.js';
import { groupAt, moveNode, type Place, partitionCommand } from './cluster-layout.js';

/** What a drag needs to know, and whom it tells. */
export interface DragHost {
  canDrag(): boolean;
  groups(): readonly (readonly NodeId[])[];
  places(): ReadonlyMap<NodeId, Place>;
  /** It was a click and no drag. */
  clicked(): void;
  /** The command that brings about what was dragged. */
  dropped(line: string): void;
}

/** A pointer that moved less than this has clicked, in CSS pixels. */
const dragPixelsMin = 6;
/** Nodes that are named beside one that is dragged. */
const namedMax = 5;

/** Lets a node be dragged out of its group or into another. */
export function watchDrag(drawing: SVGSVGElement, element: SVGGElement, id: NodeId, host: DragHost): void {
  const hint = svg('text', { class: 'drop-hint' });
  let start: Place | null = null;
  let isDragging = false;

  const target = (event: PointerEvent) => {
    const place = inDrawing(drawing, event);
    const group = groupAt(place, id, host.groups(), host.places());
    return { place, group, groups: moveNode(host.groups(), id, group) };
  };
  const end = () => {
    start = null;
    isDragging = false;
    element.classList.remove('dragged');
    hint.remove();
  };

  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    start = { x: event.clientX, y: event.clientY };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener('pointermove', (event) => {
    if (start === null || !host.canDrag()) return;
    const moved = Math.hypot(event.clientX - start.x, event.clientY - start.y);
    if (!isDragging && moved < dragPixelsMin) return;
    isDragging = true;
    element.classList.add('dragged');
    const { place, group } = target(event);
    element.style.transform = `translate(${place.x}px, ${place.y}px)`;
    hint.textContent = group === null ? 'alone' : `with ${named(group)}`;
    hint.setAttribute('x', `${place.x}`);
    hint.setAttribute('y', `${place.y + 70}`);
    drawing.append(hint);
  });
  element.addEventListener('pointerup', (event) => {
    const wasDragging = isDragging;
    const wasDown = start !== null;
    const { groups } = target(event);
    end();
    if (!wasDragging && wasDown) host.clicked();
    else if (wasDragging && partitionCommand(groups) !== partitionCommand(host.groups())) {
      host.dropped(partitionCommand(groups));
    }
  });
  element.addEventListener('pointercancel', end);
}

/** The first of them: a crowd needs not be told in full. */
function named(group: readonly NodeId[]): string {
  const more = group.length > namedMax ? ` and ${group.length - namedMax} more` : '';
  return `${group.slice(0, namedMax).join(', ')}${more}`;
}

function inDrawing(drawing: SVGSVGElement, { clientX, clientY }: PointerEvent): Place {
  const matrix = drawing.getScreenCTM();
  if (matrix === null) return { x: 0, y: 0 };
  const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
  return { x, y };
}
