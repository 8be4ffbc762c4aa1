#include "result_queue.h"

#include <string.h>

#include "crc.h"

enum { HEAD_MAGIC = 0x51554532, HEAD_COPY_BYTES = 64 };

typedef struct {
  result r;
  uint32_t reserved;
  uint32_t crc;
} slot;

_Static_assert(sizeof(slot) <= QUEUE_SLOT, "a slot holds a result and its CRC");
_Static_assert(sizeof(queue_head) <= HEAD_COPY_BYTES, "a copy of the head has its place");

static bool ram_read(void *context, uint32_t at, void *bytes, size_t count) {
  memcpy(bytes, (uint8_t *)context + at, count);
  return true;
}

static bool ram_write(void *context, uint32_t at, const void *bytes, size_t count) {
  memcpy((uint8_t *)context + at, bytes, count);
  return true;
}

static void write_head(result_queue *q) {
  q->head.generation++;
  q->head.crc = crc32_iso(&q->head, offsetof(queue_head, crc));
  uint32_t at = (q->head.generation & 1) * HEAD_COPY_BYTES;
  if (!storage_write(&q->store, at, &q->head, sizeof q->head)) q->failures++;
}

static void read_head(result_queue *q) {
  for (uint32_t copy = 0; copy < 2; copy++) {
    queue_head h;
    if (!storage_read(&q->store, copy * HEAD_COPY_BYTES, &h, sizeof h)) continue;
    bool good = h.magic == HEAD_MAGIC && h.crc == crc32_iso(&h, offsetof(queue_head, crc));
    if (good && h.generation >= q->head.generation) q->head = h;
  }
}

static uint32_t slot_address(const result_queue *q, uint32_t seq) {
  return QUEUE_SLOTS_AT + seq % q->capacity * QUEUE_SLOT;
}

static bool read_slot(result_queue *q, uint32_t seq, result *r) {
  slot s;
  if (!storage_read(&q->store, slot_address(q, seq), &s, sizeof s)) return false;
  if (s.crc != crc32_iso(&s, offsetof(slot, crc)) || s.r.seq != seq) return false;
  *r = s.r;
  return true;
}

/* Results follow each other without a gap, but a damaged slot must not hide those behind it. */
static uint32_t find_newest(result_queue *q) {
  uint32_t newest = q->head.acknowledged;
  result r;
  for (uint32_t i = 1; i <= q->capacity; i++) {
    if (read_slot(q, q->head.acknowledged + i, &r)) newest = r.seq;
  }
  return newest;
}

static void use_storage(result_queue *q, storage store) {
  bool present = store.size >= QUEUE_SLOTS_AT + QUEUE_SLOT;
  q->store = present ? store : (storage){q->ram, sizeof q->ram, ram_read, ram_write};
  q->capacity = (q->store.size - QUEUE_SLOTS_AT) / QUEUE_SLOT;
  if (q->capacity > QUEUE_CAPACITY_MAX) q->capacity = QUEUE_CAPACITY_MAX;
}

void result_queue_open(result_queue *q, storage store) {
  memset(q, 0, sizeof *q);
  use_storage(q, store);
  q->head.magic = HEAD_MAGIC;
  read_head(q);
  q->next_seq = find_newest(q) + 1;
  q->head.boot++;
  write_head(q);
}

static void drop_oldest(result_queue *q) {
  q->head.acknowledged++;
  q->head.dropped++;
  write_head(q);
}

void result_queue_push(result_queue *q, result *r) {
  if (result_queue_waiting(q) == q->capacity) drop_oldest(q);
  slot s;
  memset(&s, 0, sizeof s); /* padding is part of the CRC */
  r->seq = q->next_seq++;
  r->boot = q->head.boot;
  s.r = *r;
  s.crc = crc32_iso(&s, offsetof(slot, crc));
  if (!storage_write(&q->store, slot_address(q, r->seq), &s, sizeof s)) q->failures++;
}

bool result_queue_peek(result_queue *q, result *r) {
  while (result_queue_waiting(q)) {
    if (read_slot(q, q->head.acknowledged + 1, r)) return true;
    q->damaged++;
    q->head.acknowledged++;
    write_head(q);
  }
  return false;
}

uint64_t result_queue_fix_time(result_queue *q, uint32_t seq, uint64_t time_ms) {
  if (q->head.sending_seq == seq) return q->head.sending_time_ms;
  q->head.sending_seq = seq;
  q->head.sending_time_ms = time_ms;
  write_head(q);
  return time_ms;
}

void result_queue_settle(result_queue *q, uint32_t seq) {
  if (seq != q->head.acknowledged + 1 || !result_queue_waiting(q)) return;
  q->head.acknowledged = seq;
  write_head(q);
}

uint32_t result_queue_waiting(const result_queue *q) {
  return q->next_seq - 1 - q->head.acknowledged;
}
