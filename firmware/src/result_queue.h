/* Results on their way to the gateway: a ring in storage that survives reset and power loss.
 *
 * Layout   0 and 64: two copies of the head (generation, acknowledged up to, dropped, the result
 *          being sent with its time), written in turn, each with a CRC-32
 *          QUEUE_SLOTS_AT: slots of QUEUE_SLOT bytes, result seq in slot seq % capacity, CRC-32
 * Order    seq grows by one with each result and is never reused, also not after a reset.
 * Full     the oldest result gives way and is counted; when it is just being sent it may still
 *          arrive, so the count may be one too high.
 * Failure  power loss in a head write: the other copy holds. In a slot write: that newest result is
 *          lost, nothing else. A slot that cannot be read is skipped and counted as damaged.
 * Without storage the queue lives in RAM, so that the node works on, and says so.
 *
 * A result is sent with the same bytes every time: its time is fixed in the head before the first
 * attempt, because a repeat that differs would be stored twice. */
#ifndef RESULT_QUEUE_H
#define RESULT_QUEUE_H
#include "storage.h"

enum {
  QUEUE_SLOTS_AT = 1024,
  QUEUE_SLOT = 48,
  QUEUE_CAPACITY_MAX = 512,
  QUEUE_RAM_SLOTS = 64, /* without storage */
};

typedef struct {
  uint32_t seq;
  uint32_t boot;
  uint64_t time_ms;   /* Unix time when it was known, else 0 */
  uint32_t uptime_ms; /* when it was made */
  uint32_t infer_us;
  uint16_t score, average; /* 1/10000 */
  int8_t logits[2];
  uint8_t window;
  uint8_t person;
} result;

typedef struct {
  uint32_t magic;
  uint32_t generation;
  uint32_t boot;
  uint32_t acknowledged; /* every seq up to this one is done */
  uint32_t dropped;
  uint32_t sending_seq; /* 0: none yet */
  uint64_t sending_time_ms;
  uint32_t reserved;
  uint32_t crc;
} queue_head;

typedef struct {
  storage store;
  queue_head head;
  uint32_t next_seq;
  uint32_t capacity;
  uint32_t damaged;
  uint32_t failures; /* storage operations that failed */
  uint8_t ram[QUEUE_SLOTS_AT + QUEUE_RAM_SLOTS * QUEUE_SLOT];
} result_queue;

/* Takes up what storage holds and counts this boot; any content is accepted. */
void result_queue_open(result_queue *q, storage store);

/* Gives the result its seq and stores it. */
void result_queue_push(result_queue *q, result *r);

/* The oldest result that waits; false when there is none. */
bool result_queue_peek(result_queue *q, result *r);

/* Fixes the time of the oldest result before it is sent; returns the one that was fixed before when
 * it has been tried already. */
uint64_t result_queue_fix_time(result_queue *q, uint32_t seq, uint64_t time_ms);

/* The result has been acknowledged. Another seq than the oldest one is ignored. */
void result_queue_settle(result_queue *q, uint32_t seq);

uint32_t result_queue_waiting(const result_queue *q);

#endif
