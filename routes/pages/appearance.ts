import { isTimeZone, themeCookie, THEMES, timeZoneCookie } from "@/routes/appearance.ts";
import { field, ownPath, readForm, seeOther } from "@/routes/page_form.ts";
import { define } from "@/routes/page_state.ts";

/** Theme and time zone of this browser; open to everybody, since visitors choose too. */
export const handler = define.handlers({
  async POST({ req }) {
    const form = await readForm(req);
    const response = seeOther(ownPath(field(form, "back")));
    const theme = THEMES.find((each) => each === field(form, "theme"));
    if (theme !== undefined) response.headers.append("set-cookie", themeCookie(theme));
    const zone = field(form, "time_zone");
    if (isTimeZone(zone)) response.headers.append("set-cookie", timeZoneCookie(zone));
    return response;
  },
});
