/** A text of metrics, read as Prometheus reads it. */
export interface ReadMetrics {
  readonly types: ReadonlyMap<string, string>;
  /** Of the one line with this name and all these labels, such as `node="1"`. */
  value(name: string, ...labels: readonly string[]): number;
  values(name: string, ...labels: readonly string[]): number[];
}

const lineForm = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)$/;

/** @throws Error for a line that is no line of the text format 0.0.4, or a sample without a type before it */
export function readMetrics(text: string): ReadMetrics {
  const types = new Map<string, string>();
  const samples: { name: string; labels: readonly string[]; value: number }[] = [];
  for (const line of text.split('\n')) {
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
    if (typed !== undefined && type !== undefined) types.set(typed, type);
    if (line === '' || line.startsWith('# ')) continue;
    const [, name, labels = '', value] = lineForm.exec(line) ?? [];
    const isNumber = !Number.isNaN(Number(value)) || /^(nan|[+-]inf)$/i.test(value ?? '');
    if (name === undefined || !isNumber) throw new Error(`No sample: ${line}`);
    const family = name.replace(/_(bucket|sum|count)$/, '');
    if (!types.has(name) && types.get(family) !== 'histogram') throw new Error(`No type before: ${line}`);
    samples.push({ name, labels: labels.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? [], value: Number(value) });
  }
  const values = (name: string, ...labels: readonly string[]) =>
    samples
      .filter((sample) => sample.name === name && labels.every((label) => sample.labels.includes(label)))
      .map((sample) => sample.value);
  return {
    types,
    values,
    value(name, ...labels) {
      const [value, ...more] = values(name, ...labels);
      if (value === undefined || more.length > 0) {
        throw new Error(`${name}{${labels.join()}} has ${more.length + Number(value !== undefined)} values.`);
      }
      return value;
    },
  };
}
