/*
 * The first code of a sluice executable.
 *
 * The executable is the official Deno ELF plus one loadable segment. The dynamic linker, done with
 * its work, jumps here instead of to Deno's own start:
 *
 *   segment:  this code | header | texts | program
 *
 * Constraints: no libc, no relocation, no writable data of its own; every address is taken relative
 * to where the segment lies. It runs once, in the order of `prepare` below, and leaves behind
 *   1. the program's text in a sealed memory file under a fixed descriptor,
 *   2. a new initial stack: argv[0], the fixed arguments, the caller's arguments; the fixed
 *      variables, the caller's variables without those meant for Deno or Node,
 *   3. libc's `environ`, which the dynamic linker has set already, pointing to the new variables.
 * The kernel's view (/proc/PID/cmdline, /proc/PID/environ) keeps what the caller gave.
 *
 * On failure it says what failed on standard error and exits with 126: nothing has started yet.
 */
#include <stdint.h>

enum { EXIT_CANNOT_START = 126, STANDARD_ERROR = 2 };

/* Room between the kernel's stack and the new one, for the frames of this code (under 1 KiB). */
enum { OWN_FRAMES_BYTES = 8192 };

enum { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_NOEXEC_SEAL = 8 };
enum { F_ADD_SEALS = 1033, SEAL_EVERYTHING = 1 | 2 | 4 | 8 };
enum { O_CLOEXEC = 02000000, R_OK = 4, AT_FDCWD = -100 };

/* Written by inject.ts; distances are in bytes, those named `to_` from the segment's start. */
struct header {
  uint64_t magic;
  int64_t to_start;        /* Deno's own entry */
  int64_t to_environ_slot; /* the word that holds the address of libc's `environ` */
  uint64_t argument_count;
  uint64_t variable_count;
  uint64_t dropped_count; /* prefixes of variables that are not passed on */
  uint64_t texts_at;      /* from the header: arguments, variables, prefixes, descriptor's path */
  uint64_t program_at;    /* from the header */
  uint64_t program_bytes;
  uint64_t descriptor;
};

extern const struct header header __attribute__((visibility("hidden")));
extern const uint8_t segment[] __attribute__((visibility("hidden")));

/* Where to go on: the new stack, and the address of Deno's start. */
struct onward {
  uint64_t stack;
  uint64_t start;
};

#if defined(__aarch64__)

/* x0 holds what the dynamic linker wants called at exit: it is handed on untouched. */
__asm__(
    ".section .text.first,\"ax\"\n"
    ".globl segment\n.hidden segment\n"
    "segment:\n"
    "  mov x19, x0\n  mov x0, sp\n  bl prepare\n"
    "  mov sp, x0\n  mov x16, x1\n  mov x0, x19\n  mov x29, xzr\n  mov x30, xzr\n  br x16\n"
    ".text\n");

enum { SYS_WRITE = 64, SYS_CLOSE = 57, SYS_FACCESSAT = 48, SYS_MEMFD_CREATE = 279 };
enum { SYS_DUP3 = 24, SYS_FCNTL = 25, SYS_EXIT_GROUP = 94 };

static int64_t kernel(int64_t number, int64_t a, int64_t b, int64_t c) {
  register int64_t x8 __asm__("x8") = number;
  register int64_t x0 __asm__("x0") = a;
  register int64_t x1 __asm__("x1") = b;
  register int64_t x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory", "cc");
  return x0;
}

#elif defined(__x86_64__)

/* rdx holds what the dynamic linker wants called at exit: it is handed on untouched. */
__asm__(
    ".section .text.first,\"ax\"\n"
    ".globl segment\n.hidden segment\n"
    "segment:\n"
    "  mov %rdx, %r12\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call prepare\n"
    "  mov %rax, %rsp\n  mov %rdx, %rax\n  mov %r12, %rdx\n  xor %ebp, %ebp\n  jmp *%rax\n"
    ".text\n");

enum { SYS_WRITE = 1, SYS_CLOSE = 3, SYS_FACCESSAT = 269, SYS_MEMFD_CREATE = 319 };
enum { SYS_DUP3 = 292, SYS_FCNTL = 72, SYS_EXIT_GROUP = 231 };

static int64_t kernel(int64_t number, int64_t a, int64_t b, int64_t c) {
  int64_t result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r11", "memory");
  return result;
}

#else
#error "sluice runs on x86-64 and 64-bit ARM"
#endif

static uint64_t length(const char *text) {
  uint64_t count = 0;
  while (text[count] != 0) count++;
  return count;
}

static const char *after(const char *text) { return text + length(text) + 1; }

static const char *skip(const char *text, uint64_t count) {
  while (count-- > 0) text = after(text);
  return text;
}

static int starts_with(const char *text, const char *prefix) {
  while (*prefix != 0 && *text == *prefix) text++, prefix++;
  return *prefix == 0;
}

/* NAME=… and NAME=… */
static int same_variable(const char *a, const char *b) {
  while (*a != 0 && *a != '=' && *a == *b) a++, b++;
  return *a == '=' && *b == '=';
}

static void require(int condition, const char *otherwise) {
  if (condition) return;
  kernel(SYS_WRITE, STANDARD_ERROR, (int64_t)otherwise, (int64_t)length(otherwise));
  kernel(SYS_EXIT_GROUP, EXIT_CANNOT_START, 0, 0);
}

static int64_t memory_file(void) {
  const int64_t name = (int64_t) "sluice";
  /* Linux 6.3 wants to be told that nobody executes it; older ones do not know the flag. */
  int64_t flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int64_t file = kernel(SYS_MEMFD_CREATE, name, flags | MFD_NOEXEC_SEAL, 0);
  return file >= 0 ? file : kernel(SYS_MEMFD_CREATE, name, flags, 0);
}

/* The program's text under the fixed descriptor, closed in child processes, changeable by nobody. */
static void open_program(const char *path) {
  int64_t file = memory_file();
  require(file >= 0, "sluice: cannot start: no memory file, Linux 3.17 or later is needed\n");
  const uint8_t *from = (const uint8_t *)&header + header.program_at;
  uint64_t left = header.program_bytes;
  while (left > 0) {
    int64_t written = kernel(SYS_WRITE, file, (int64_t)from, (int64_t)left);
    require(written > 0, "sluice: cannot start: no memory for the program, free some memory\n");
    from += written;
    left -= (uint64_t)written;
  }
  kernel(SYS_FCNTL, file, F_ADD_SEALS, SEAL_EVERYTHING);
  int64_t fixed = kernel(SYS_DUP3, file, (int64_t)header.descriptor, O_CLOEXEC);
  require(fixed >= 0, "sluice: cannot start: too few open files allowed, raise \"ulimit -n\" to 1024\n");
  kernel(SYS_CLOSE, file, 0, 0);
  require(kernel(SYS_FACCESSAT, AT_FDCWD, (int64_t)path, R_OK) == 0,
          "sluice: cannot start: /proc is not mounted\n");
}

static int is_dropped(const char *variable, const char *fixed, const char *prefixes) {
  for (uint64_t i = 0; i < header.variable_count; i++, fixed = after(fixed)) {
    if (same_variable(fixed, variable)) return 1;
  }
  for (uint64_t i = 0; i < header.dropped_count; i++, prefixes = after(prefixes)) {
    if (starts_with(variable, prefixes)) return 1;
  }
  return 0;
}

static uint64_t *put_texts(uint64_t *to, const char *texts, uint64_t count) {
  for (; count > 0; count--, texts = after(texts)) *to++ = (uint64_t)texts;
  return to;
}

static uint64_t count_words(const uint64_t *words) {
  uint64_t count = 0;
  while (words[count] != 0) count++;
  return count;
}

/* Pairs that tell the dynamic linker and libc about the machine; the last has the type 0. */
static uint64_t count_auxiliary(const uint64_t *pairs) {
  uint64_t count = 1;
  while (pairs[2 * (count - 1)] != 0) count++;
  return count;
}

__attribute__((used)) struct onward prepare(uint64_t *old) {
  const char *arguments = (const char *)&header + header.texts_at;
  const char *variables = skip(arguments, header.argument_count);
  const char *prefixes = skip(variables, header.variable_count);
  open_program(skip(prefixes, header.dropped_count));

  uint64_t given = old[0];
  uint64_t *given_variables = old + 1 + given + 1;
  uint64_t *auxiliary = given_variables + count_words(given_variables) + 1;
  uint64_t auxiliary_words = 2 * count_auxiliary(auxiliary);
  uint64_t words = 4 + given + header.argument_count + header.variable_count +
                   count_words(given_variables) + auxiliary_words;
  uint64_t stack = ((uint64_t)old - OWN_FRAMES_BYTES - words * 8) & ~(uint64_t)15;

  uint64_t *next = (uint64_t *)stack + 1;
  /* A caller may give no argument at all; argv[0] must exist then, or the rest would shift. */
  *next++ = given > 0 ? old[1] : (uint64_t) "sluice";
  next = put_texts(next, arguments, header.argument_count);
  for (uint64_t i = 1; i < given; i++) *next++ = old[1 + i];
  *(uint64_t *)stack = (uint64_t)(next - (uint64_t *)stack) - 1;
  *next++ = 0;

  uint64_t *new_variables = next;
  next = put_texts(next, variables, header.variable_count);
  for (uint64_t *from = given_variables; *from != 0; from++) {
    if (!is_dropped((const char *)*from, variables, prefixes)) *next++ = *from;
  }
  *next++ = 0;
  uint64_t **environ_slot = (uint64_t **)(segment + header.to_environ_slot);
  **environ_slot = (uint64_t)new_variables;

  for (uint64_t i = 0; i < auxiliary_words; i++) *next++ = auxiliary[i];
  return (struct onward){stack, (uint64_t)(segment + header.to_start)};
}
