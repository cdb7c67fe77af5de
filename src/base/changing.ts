/** A value that may become another while the process runs: asked for each time, and told of. */
export interface Changing<T> {
  readonly current: T;
  /** Calls `run` after each change, until disposed of. */
  onChange(run: () => void): Disposable;
}

/** One that stays as it is. */
export function constant<T>(value: T): Changing<T> {
  return { current: value, onChange: () => ({ [Symbol.dispose]() {} }) };
}

/** What `of` makes of another. */
export function changingWith<S, T>(source: Changing<S>, of: (value: S) => T): Changing<T> {
  return {
    get current() {
      return of(source.current);
    },
    onChange: (run) => source.onChange(run),
  };
}
