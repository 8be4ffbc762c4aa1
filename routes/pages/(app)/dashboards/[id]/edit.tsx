import { page } from "fresh";
import { PostForm, TextAreaField } from "@/components/Form.tsx";
import { Card } from "@/components/Card.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { PanelGrid } from "@/components/PanelCard.tsx";
import { RANGE_MS } from "@/model/chart_steps.ts";
import {
  AGGREGATIONS,
  type Dashboard,
  DASHBOARD_LIMITS,
  PANEL_KINDS,
  PANEL_WIDTHS,
  THRESHOLD_TONES,
} from "@/model/dashboard.ts";
import type { DashboardProblem } from "@/model/dashboard_check.ts";
import type { DashboardView } from "@/model/dashboard_view.ts";
import type { HttpError } from "@/model/errors.ts";
import { readText, saveDashboard, unknownSeries } from "@/routes/dashboard_acts.ts";
import { DashboardBook } from "@/routes/dashboard_book.ts";
import { firstPoints, rangeWindow, readView } from "@/routes/dashboard_data.ts";
import { DashboardStyle, Done } from "@/routes/dashboard_page.tsx";
import { attempt, field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";

interface EditData {
  id: string;
  title: string;
  text: string;
  /** Revision that the text is based on; empty for none. */
  basedOn: string;
  problems: readonly DashboardProblem[];
  /** Series that never sent anything. */
  unknown: readonly DashboardProblem[];
  preview: DashboardView | null;
  problem: HttpError | null;
}

const PREVIEW_RANGE = "24h";

export const handler = define.handlers({
  async GET({ params, state }) {
    const book = await DashboardBook.open(state.services.store);
    const stored = await book.storedText(params.id!);
    return page<EditData>({ ...stored, ...NOTHING_WRONG });
  },

  async POST({ req, params, state }) {
    const form = await readForm(req);
    const book = await DashboardBook.open(state.services.store);
    const { id, title, position } = book.listed(params.id!);
    // Browsers send line ends as two characters.
    const text = (form.get("text") ?? "").replaceAll("\r\n", "\n");
    const data = { id, title, text, basedOn: field(form, "based_on"), ...NOTHING_WRONG };
    const { dashboard, problems } = readText(text);
    if (dashboard === null) return page<EditData>({ ...data, problems }, { status: 400 });
    if (field(form, "action") !== "save") {
      return page<EditData>({ ...data, ...await previewOf(state, dashboard) });
    }
    const basedOnMs = data.basedOn === "" ? null : Number(data.basedOn);
    const { problem } = await attempt(() =>
      saveDashboard(state, { id, position }, { dashboard, basedOnMs })
    );
    if (problem !== null) return page<EditData>({ ...data, problem }, { status: problem.status });
    return seeOther(`/dashboards/${encodeURIComponent(id)}?done=saved`);
  },
});

const NOTHING_WRONG = { problems: [], unknown: [], preview: null, problem: null };

async function previewOf(
  state: PageState,
  dashboard: Dashboard,
): Promise<Pick<EditData, "preview" | "unknown">> {
  const options = {
    ...rangeWindow(state.nowMs, RANGE_MS[PREVIEW_RANGE]),
    pointsMax: firstPoints(dashboard),
  };
  const [preview, unknown] = await Promise.all([
    readView(state.services.store, dashboard, options),
    unknownSeries(state, dashboard),
  ]);
  return { preview, unknown };
}

export default define.page<typeof handler>(({ data, state, url }) => {
  const { dashboard: texts } = state.texts;
  const path = `/dashboards/${encodeURIComponent(data.id)}`;
  return (
    <>
      <DashboardStyle />
      <PageHead title={texts.editTitle(data.title)} />
      <Done state={state} url={url} />
      {data.problem !== null && <ProblemNotice problem={data.problem} />}
      {data.problems.length > 0 && (
        <Problems title={texts.problems(data.problems.length)} tone="bad" all={data.problems} />
      )}
      <Card>
        <PostForm csrfToken={state.csrfToken} action={`${path}/edit`}>
          <input type="hidden" name="based_on" value={data.basedOn} />
          <div class="json-editor">
            <TextAreaField
              name="text"
              label={texts.editLabel}
              help={texts.editHelp}
              value={data.text}
              rows={22}
              maxLength={DASHBOARD_LIMITS.charsMax}
              required
              code
            />
          </div>
          <div class="form-acts">
            <button type="submit" class="button" name="action" value="preview">
              {texts.preview}
            </button>
            <button type="submit" class="button primary" name="action" value="save">
              {texts.save}
            </button>
            <a class="button" href={path}>{texts.cancel}</a>
          </div>
        </PostForm>
        <Words state={state} />
      </Card>
      {data.preview !== null && <Preview data={data} view={data.preview} state={state} />}
    </>
  );
});

function Problems(
  { title, tone, all }: {
    title: string;
    tone: "bad" | "warn";
    all: readonly DashboardProblem[];
  },
) {
  return (
    <Notice tone={tone}>
      <p>
        <strong>{title}</strong>
      </p>
      <ul class="problems">
        {all.map(({ path, message }) => (
          <li key={`${path} ${message}`}>
            {path !== "" && <code>{path}</code>} {message}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Preview(
  { data, view, state }: { data: EditData; view: DashboardView; state: PageState },
) {
  const { texts: { dashboard: texts }, timeZone, nowMs } = state;
  const frame = {
    ...{ nowMs, timeZone, fromMs: view.fromMs, toMs: view.toMs, isZoomed: false },
    ...{ range: texts.ranges[PREVIEW_RANGE], words: texts.panelWords },
  };
  return (
    <section class="preview" aria-labelledby="preview-title">
      <h2 id="preview-title">{texts.previewTitle}</h2>
      <p class="sub">{texts.previewNote}</p>
      {data.unknown.length > 0 && (
        <Problems title={texts.unknownTitle} tone="warn" all={data.unknown} />
      )}
      <PanelGrid view={view} frame={frame} />
    </section>
  );
}

/** Every word that may stand there, beside the text that it stands in. */
function Words({ state: { texts: { dashboard: texts } } }: { state: PageState }) {
  const lists = {
    kind: PANEL_KINDS,
    aggregation: AGGREGATIONS,
    tone: THRESHOLD_TONES,
    width: PANEL_WIDTHS.map(String),
  };
  return (
    <details class="numbers">
      <summary>{texts.help}</summary>
      <dl class="facts">
        {Object.entries(lists).map(([field, words]) => (
          <>
            <dt key={field}>
              <code>{field}</code>
            </dt>
            <dd>
              <code>{words.join(", ")}</code>
            </dd>
          </>
        ))}
      </dl>
      <pre>{EXAMPLE}</pre>
    </details>
  );
}

const EXAMPLE = `{
  "kind": "time_series",
  "title": "Boiler",
  "width": 6,
  "series": [{ "device": "boiler", "measurement": "temperature", "label": "flow" }],
  "aggregation": "mean",
  "thresholds": [{ "tone": "ok" }, { "from": 60, "tone": "warn" }, { "above": 80, "tone": "bad" }],
  "min": 0,
  "max": 100,
  "unit": "celsius",
  "note": "Shown below the chart"
}`;
