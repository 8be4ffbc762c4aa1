#include "node3.h"

#include <string.h>

#include "board.h"
#include "clock.h"

void node3_init(node3 *n, node3_ports ports) {
  memset(n, 0, sizeof *n);
  console_init(&n->vcp, ports.vcp);
  n->store = ports.store;
  settings_load(&n->to, &n->store);
  frame_link_init(&n->frames, ports.frames);
  n->source = frame_link_source(&n->frames);
  result_queue_open(&n->queue, ports.store);
  uplink_init(&n->link, ports.modem, &n->to, board_seed());
  publisher_init(&n->out, &n->link, &n->queue, &n->to, model.name);
}

/* ---- inference ---- */

static void begin_inference(node3 *n) {
  const int8_t *pixels = n->source.next(n->source.context);
  if (!pixels) return;
  if (!frame_gate_passes(&n->gate, pixels) && !n->gate_open) {
    n->counters.unchanged++;
    return;
  }
  n->infer_us = 0;
  n->inferring = nn_start(&n->run, &model, pixels);
}

static void say_result(node3 *n, const result *r) {
  char bytes[LOG_LINE_MAX];
  text line = text_on(bytes, sizeof bytes);
  text_add(&line, "result");
  text_counter(&line, "seq", r->seq);
  text_add(&line, " z=");
  text_i32(&line, r->logits[0]);
  text_char(&line, ',');
  text_i32(&line, r->logits[1]);
  text_counter(&line, "score", r->score);
  text_counter(&line, "avg", r->average);
  text_counter(&line, "person", r->person);
  text_counter(&line, "us", r->infer_us);
  text_counter(&line, "waiting", result_queue_waiting(&n->queue));
  console_log(&n->vcp, &line);
}

static void finish_inference(node3 *n, uint32_t now) {
  result r = {.uptime_ms = now,
              .time_ms = uplink_unix_ms(&n->link, now),
              .infer_us = n->infer_us,
              .score = nn_score(&n->run),
              .logits = {nn_logit(&n->run, 0), nn_logit(&n->run, 1)}};
  r.average = presence_take(&n->answer, r.score);
  r.window = n->answer.count;
  r.person = n->answer.person;
  n->inferring = false;
  n->counters.inferences++;
  if (n->infer_us > n->counters.infer_us_max) n->counters.infer_us_max = n->infer_us;
  result_queue_push(&n->queue, &r);
  say_result(n, &r);
}

/* Rows until the time of this pass is used up. */
static void run_inference(node3 *n, uint32_t now) {
  if (!n->inferring) begin_inference(n);
  if (!n->inferring) return;
  uint32_t start = board_now_us(), used;
  bool done;
  do {
    done = nn_step(&n->run);
    used = board_now_us() - start;
  } while (!done && used < NODE3_STEP_US);
  n->infer_us += used;
  if (done) finish_inference(n, now);
}

/* ---- console ---- */

static void say_stats(node3 *n) {
  char bytes[LOG_LINE_MAX * 2];
  text line = text_on(bytes, sizeof bytes);
  const uplink_counters *u = &n->link.counters;
  text_add(&line, "stats");
  text_counter(&line, "frames", n->frames.received);
  text_counter(&line, "damaged_frames", n->frames.damaged);
  text_counter(&line, "inferences", n->counters.inferences);
  text_counter(&line, "unchanged", n->counters.unchanged);
  text_counter(&line, "infer_us_max", n->counters.infer_us_max);
  text_counter(&line, "pass_us_max", n->counters.pass_us_max);
  text_counter(&line, "waiting", result_queue_waiting(&n->queue));
  text_counter(&line, "dropped", n->queue.head.dropped);
  text_counter(&line, "damaged", n->queue.damaged);
  text_counter(&line, "storage", n->store.size);
  text_counter(&line, "storage_failures", n->queue.failures);
  text_counter(&line, "published", n->out.counters.published);
  text_counter(&line, "repeated", n->out.counters.repeated);
  text_counter(&line, "confirmed", n->out.counters.confirmed);
  text_counter(&line, "refused", n->out.counters.refused);
  text_counter(&line, "unanswered", n->out.counters.unanswered);
  text_counter(&line, "opened", u->opened);
  text_counter(&line, "lost", u->lost);
  text_counter(&line, "wifi_lost", u->wifi_lost);
  text_counter(&line, "timeouts", u->timeouts);
  text_counter(&line, "time_known", n->link.unix_ms != 0);
  text_counter(&line, "log_dropped", n->vcp.log_dropped);
  text_counter(&line, "stack", board_stack_used());
  console_log(&n->vcp, &line);
}

static void say_settings(node3 *n) {
  char bytes[LOG_LINE_MAX * 2];
  text line = text_on(bytes, sizeof bytes);
  settings_show(&n->to, &line);
  console_log(&n->vcp, &line);
}

static void change_setting(node3 *n, const char *assignment, uint32_t now) {
  if (!settings_set(&n->to, assignment)) {
    console_say(&n->vcp, "[WARN] not set: names are ssid wifi_password broker ntp device secret");
    return;
  }
  publisher_restart(&n->out, now);
  say_settings(n);
}

static void run_command(node3 *n, const char *line, uint32_t now) {
  if (!strcmp(line, "stats")) {
    say_stats(n);
  } else if (!strcmp(line, "show")) {
    say_settings(n);
  } else if (text_begins(line, "set ")) {
    change_setting(n, line + 4, now);
  } else if (!strcmp(line, "save")) {
    bool saved = settings_save(&n->to, &n->store);
    console_say(&n->vcp, saved ? "saved" : "[WARN] not saved: no storage answers on SPI2");
  } else if (!strcmp(line, "gate off") || !strcmp(line, "gate on")) {
    n->gate_open = line[6] == 'f';
  } else if (!console_board_command(&n->vcp, line)) {
    console_say(&n->vcp,
                "commands: stats, show, set NAME VALUE, save, gate on|off, reset, panic, hang");
  }
}

static void run_console(node3 *n, uint32_t now) {
  const char *line;
  while ((line = console_read(&n->vcp))) run_command(n, line, now);
}

static void tell_refusal(node3 *n) {
  if (n->out.counters.refused == n->refusals_told) return;
  n->refusals_told = n->out.counters.refused;
  char bytes[LOG_LINE_MAX];
  text line = text_on(bytes, sizeof bytes);
  text_add(&line, "[WARN] broker refused the connection, check device and secret:");
  text_counter(&line, "code", n->out.refused_code);
  console_log(&n->vcp, &line);
}

void node3_note_pass(node3 *n, uint32_t us) {
  if (us > n->counters.pass_us_max) n->counters.pass_us_max = us;
}

uint32_t node3_poll(node3 *n, uint32_t now) {
  run_inference(n, now);
  publisher_poll(&n->out, now);
  tell_refusal(n);
  run_console(n, now);
  if (n->inferring) return 0;
  return sooner(uplink_wait(&n->link, now), 10); /* the publisher's own deadlines are coarse */
}
