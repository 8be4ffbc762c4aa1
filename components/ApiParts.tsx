/** Parts of the pages of the HTTP API: one operation, rows of values. */
import type { Texts } from "@/components/texts.ts";

interface ShapeRow {
  name: string;
  /** `query`, `path`. */
  place?: string;
  type: string;
  schema: string | null;
  required: boolean;
  text: string;
}

export interface OperationProps {
  operation: {
    id: string;
    method: string;
    path: string;
    summary: string;
    text: string | null;
    parameters: readonly ShapeRow[];
    body: readonly ShapeRow[];
    answer: readonly ShapeRow[];
    answers: readonly { status: string; text: string; types: readonly string[] }[];
    problems: readonly string[];
    example: string;
  };
  /** Who may call it, in words. */
  who: string;
  schemasPath: string;
  problemsPath: string;
  texts: Texts;
}

export function Operation(props: OperationProps) {
  const { operation, who, schemasPath, problemsPath, texts } = props;
  const { id, method, path, summary, text, parameters, body, answer } = operation;
  const words = texts.visitors;
  const shared = { texts, schemasPath };
  return (
    <article class="operation" aria-labelledby={id}>
      <h2 id={id}>
        <a class="self" href={`#${id}`}>
          <Words text={summary} />
        </a>
      </h2>
      <p class="call">
        <Method name={method} /> <code>{path}</code>
      </p>
      {text !== null && (
        <p>
          <Words text={text} />
        </p>
      )}
      <p class="sub">{words.apiWho}: {who}</p>
      <Shape title={words.apiParameters} of={summary} rows={parameters} asked {...shared} />
      <Shape title={words.apiBody} of={summary} rows={body} asked {...shared} />
      <Shape title={words.apiAnswer} of={summary} rows={answer} {...shared} />
      <p class="answers">
        {operation.answers.map(({ status, text, types }) => (
          <span key={status}>
            <b class="status-ok">{status}</b> {text}
            {types.length > 0 && <span class="sub">{` (${types.join(", ")})`}</span>}
          </span>
        ))}
        <a href={problemsPath}>{words.apiProblems} {operation.problems.join(" ")}</a>
      </p>
      <details>
        <summary>{words.apiExample}</summary>
        <pre tabIndex={0}><code>{operation.example}</code></pre>
      </details>
    </article>
  );
}

export function Method({ name }: { name: string }) {
  return <span class={`method ${name.toLowerCase()}`}>{name}</span>;
}

export function Shape(
  { title, of, rows, asked = false, schemasPath, texts: { visitors: words } }: {
    title: string;
    /** Said by the caller: then it matters what is required. */
    asked?: boolean;
    /** What it belongs to, for those who do not see it. */
    of: string;
    rows: readonly ShapeRow[];
    schemasPath: string;
    texts: Texts;
  },
) {
  if (rows.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <div class="table-box" role="group" aria-label={`${of}: ${title}`} tabIndex={0}>
        <table class="shape">
          <thead>
            <tr>
              <th scope="col">{words.apiName}</th>
              <th scope="col">{words.apiType}</th>
              <th scope="col">{words.apiMeaning}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, place, type, schema, required, text }) => (
              <tr key={name}>
                <td>
                  <code>{name}</code>
                  {place !== undefined && <span class="sub">{` ${place}`}</span>}
                  {asked && required && <span class="sub">{` ${words.apiRequired}`}</span>}
                </td>
                <td>
                  {schema === null ? type : <a href={`${schemasPath}#${schema}`}>{type}</a>}
                </td>
                <td>
                  <Words text={text} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Text in which backquotes mark code. */
export function Words({ text }: { text: string }) {
  return <>{text.split("`").map((part, i) => i % 2 === 0 ? part : <code key={i}>{part}</code>)}</>;
}
