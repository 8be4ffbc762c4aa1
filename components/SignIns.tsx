/** The browsers and programs that are signed in as somebody. */
import { PostForm } from "@/components/Form.tsx";
import { Table } from "@/components/Table.tsx";
import { Tag } from "@/components/Tag.tsx";
import type { Texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import { programOf } from "@/components/user_agent.ts";

export interface SignIn {
  id: string;
  kind: "browser" | "token";
  /** From where it was started. */
  address: string;
  /** `User-Agent` as kept. */
  agent: string;
  createdAtMs: number;
  usedAtMs: number;
}

export interface SignInsProps {
  signIns: readonly SignIn[];
  /** The one that asks; it is not ended here but by signing out. */
  ownId: string | null;
  csrfToken: string | null;
  nowMs: number;
  timeZone: string;
  texts: Texts;
}

export function SignIns(props: SignInsProps) {
  const { signIns, texts: { people } } = props;
  if (signIns.length === 0) return <p>{people.signInsNone}</p>;
  const columns = [people.program, people.from, people.started, people.lastUsed];
  return (
    <>
      <div class="stacked">
        <Table caption={people.signIns} columns={[...columns, { title: people.end, hidden: true }]}>
          {signIns.map((signIn) => <SignInRow key={signIn.id} {...props} signIn={signIn} />)}
        </Table>
      </div>
      <p class="after-table">{people.lastUsedHelp}</p>
    </>
  );
}

function SignInRow({ signIn, ...props }: Omit<SignInsProps, "signIns"> & { signIn: SignIn }) {
  const { ownId, csrfToken, nowMs, timeZone, texts: { people } } = props;
  const { name, system } = programOf(signIn.agent);
  const program = name === "" ? people.unknownProgram : name;
  return (
    <tr>
      <td title={signIn.agent} data-label={people.program}>
        <span>{program} {signIn.id === ownId && <Tag tone="ok">{people.thisOne}</Tag>}</span>
        <div class="sub">{[system, people.kinds[signIn.kind]].filter(Boolean).join(" · ")}</div>
      </td>
      <td data-label={people.from}>{signIn.address}</td>
      <td class="nowrap" data-label={people.started}>
        <Time atMs={signIn.createdAtMs} nowMs={nowMs} timeZone={timeZone} />
      </td>
      <td class="nowrap" data-label={people.lastUsed}>
        <Time atMs={signIn.usedAtMs} nowMs={nowMs} timeZone={timeZone} />
      </td>
      <td class="n" data-label="">
        {signIn.id !== ownId && (
          <PostForm csrfToken={csrfToken} act="end" class="inline-form">
            <input type="hidden" name="session" value={signIn.id} />
            <button type="submit" class="button" aria-label={people.endOf(program)}>
              {people.end}
            </button>
          </PostForm>
        )}
      </td>
    </tr>
  );
}
