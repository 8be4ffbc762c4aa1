/** What stands above every settings page: what was done, what waits, what is wrong. */
import { asset, Head } from "fresh/runtime";
import arrow from "lucide/arrow-left.mjs";
import { Icon, type IconData } from "@/components/Icon.tsx";
import { Notice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import type { Texts } from "@/components/texts.ts";
import type { Problem } from "@/config/problems.ts";
import { sentence } from "@/routes/settings/setting_field.tsx";

export interface SettingsHeadProps {
  title: string;
  sub?: string;
  /** The page above; absent on the first one. */
  back?: { href: string; title: string };
  texts: Texts["settings"];
  restartNeeded: readonly string[];
  /** What was just done, in words. */
  done?: string | null;
  conflict?: boolean;
  problems?: readonly Problem[];
  /** Name of the form's field of a problem; null where the page has none for it. */
  fieldOf?: (problem: Problem) => string | null;
  labelOf?: (problem: Problem) => string;
}

export function SettingsHead(props: SettingsHeadProps) {
  const { title, sub, back, texts, restartNeeded, done = null, conflict = false } = props;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/settings.css")} />
      </Head>
      {back !== undefined && (
        <a class="settings-back" href={back.href}>
          <Icon of={arrow as IconData} /> {back.title}
        </a>
      )}
      <PageHead title={title} sub={sub} />
      {done !== null && <Notice tone="ok">{done}</Notice>}
      {conflict && (
        <Notice tone="warn">
          <strong>{texts.conflictTitle}.</strong> {texts.conflictHint}
        </Notice>
      )}
      <ProblemList {...props} />
      {restartNeeded.length > 0 && (
        <Notice tone="warn">
          <strong>{texts.restartTitle}</strong> <code>{restartNeeded.join(", ")}</code>.{" "}
          {texts.restartHow}
        </Notice>
      )}
    </>
  );
}

function ProblemList({ texts, problems = [], fieldOf, labelOf }: SettingsHeadProps) {
  if (problems.length === 0) return null;
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{texts.problems(problems.length)}</strong>
      </p>
      <ul>
        {problems.map((problem) => {
          const name = fieldOf?.(problem) ?? null;
          const label = labelOf?.(problem) ?? problem.path;
          return (
            <li key={problem.path}>
              {name === null ? <code>{label}</code> : <a href={`#field-${name}`}>{label}</a>}{" "}
              {problem.message}
              {name === null && `. ${sentence(problem.hint)}`}
            </li>
          );
        })}
      </ul>
      <p>{texts.problemsHint}</p>
    </div>
  );
}
