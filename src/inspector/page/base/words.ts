/** A moment for people, to a hundredth of a second. */
export function seconds(at: number): string {
  return `${(at / 1000).toFixed(2)} s`;
}

/** A moment of a step: to a millisecond, for many fall into one hundredth. */
export function milliseconds(at: number): string {
  return `${(at / 1000).toFixed(3)} s`;
}
