/** A query of which the types of the answer and of the variables are known. */
export interface Operation<Answer, Variables> {
  readonly text: string;
  /** Whether it waits for the last acknowledged command of its anime. */
  readonly waits: boolean;
  /** Only for the compiler. */
  readonly types?: (variables: Variables) => Answer;
}
