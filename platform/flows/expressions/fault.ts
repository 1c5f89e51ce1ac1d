/** An expression that is wrong, or that cannot be evaluated with the values it was given. */
export class ExpressionFault extends Error {
  /** Index in the text of the expression; undefined: the expression as a whole. */
  readonly offset: number | undefined;

  constructor(message: string, offset?: number) {
    super(message);
    this.name = "ExpressionFault";
    this.offset = offset;
  }

  /** The same fault at this place, unless it has one. */
  at(offset: number): ExpressionFault {
    return this.offset === undefined ? new ExpressionFault(this.message, offset) : this;
  }
}

/** The evaluation costs too much. Unlike other faults it is not swallowed by `||`, `&&`, `all`, `exists` and `default`. */
export class TooCostly extends ExpressionFault {}

/** A variable is there, but its value cannot be read: what `TooCostly` says of swallowing is true of it too. */
export class Unreadable extends TooCostly {}
