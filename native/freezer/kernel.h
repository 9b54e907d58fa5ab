/*
 * The kernel, called directly: no C library, no errno, no thread-local storage. What runs between the freezing of
 * the template and the return to JavaScript in a child may use nothing that another thread could have locked.
 * x86-64 only: numbers and layouts are those of <asm/unistd_64.h> and of the kernel's uapi headers.
 */
#ifndef FREEZER_KERNEL_H
#define FREEZER_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long u64;
typedef long i64;

#define NULL ((void *)0)
#define EXPORT __attribute__((visibility("default")))

/* A result from -4095 to -1 is an error number, negated. */
static inline i64 kernel_call(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  i64 result;
  register i64 r10 __asm__("r10") = d;
  register i64 r8 __asm__("r8") = e;
  register i64 r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* kernel(NR_x, up to six arguments): what is left out is 0. */
#define kernel(...) kernel_padded(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define kernel_padded(n, a, b, c, d, e, f, ...) \
  kernel_call((i64)(n), (i64)(a), (i64)(b), (i64)(c), (i64)(d), (i64)(e), (i64)(f))

enum {
  NR_read = 0,
  NR_write = 1,
  NR_close = 3,
  NR_rt_sigaction = 13,
  NR_rt_sigprocmask = 14,
  NR_rt_sigreturn = 15,
  NR_ioctl = 16,
  NR_madvise = 28,
  NR_getpid = 39,
  NR_socket = 41,
  NR_connect = 42,
  NR_sendto = 44,
  NR_recvfrom = 45,
  NR_clone = 56,
  NR_exit = 60,
  NR_wait4 = 61,
  NR_fcntl = 72,
  NR_chdir = 80,
  NR_getuid = 102,
  NR_getgid = 104,
  NR_setuid = 105,
  NR_setgid = 106,
  NR_setsid = 112,
  NR_setgroups = 116,
  NR_capset = 126,
  NR_prctl = 157,
  NR_arch_prctl = 158,
  NR_mount = 165,
  NR_umount2 = 166,
  NR_gettid = 186,
  NR_futex = 202,
  NR_getdents64 = 217,
  NR_exit_group = 231,
  NR_epoll_ctl = 233,
  NR_tgkill = 234,
  NR_waitid = 247,
  NR_openat = 257,
  NR_readlinkat = 267,
  NR_ppoll = 271,
  NR_set_robust_list = 273,
  NR_get_robust_list = 274,
  NR_eventfd2 = 290,
  NR_epoll_create1 = 291,
  NR_dup3 = 292,
  NR_pipe2 = 293,
  NR_prlimit64 = 302,
  NR_seccomp = 317,
  NR_getrandom = 318,
  NR_rseq = 334,
  NR_close_range = 436,
};

enum {
  E_INTR = 4,
  AT_FDCWD = -100,
  O_WRONLY = 1,
  O_RDWR = 2,
  O_NONBLOCK = 0x800,
  O_CLOEXEC = 0x80000,
  O_DIRECTORY = 0x10000,
  F_GETFD = 1,
  F_GETFL = 3,
  F_SETFL = 4,
  F_DUPFD_CLOEXEC = 1030,
  FIONREAD = 0x541b,
  FUTEX_WAIT = 0,
  FUTEX_WAKE = 1,
  SIGKILL = 9,
  SIGCHLD = 17,
};

/* struct kernel_sigaction */
struct signal_action {
  void *handler;
  u64 flags;
  void *restorer;
  u64 mask;
};
enum { SA_SIGINFO = 4, SA_RESTORER = 0x4000000, SA_RESTART = 0x10000000, SIGSET_BYTES = 8 };
enum { SIG_BLOCK = 0, SIG_SETMASK = 2 };

/* struct rusage: two timevals, then maxrss and others, of which minflt is the fifth. */
struct usage {
  i64 user_seconds, user_microseconds, system_seconds, system_microseconds;
  i64 max_rss_kb, ixrss, idrss, isrss, minor_faults, rest[9];
};

/* The first fields of siginfo_t as waitid fills it in. */
struct child_end {
  i32 signal, error, code, padding;
  i32 pid;
  u32 uid;
  i32 status;
  i32 rest[25];
};
enum { P_PID = 1, WNOHANG = 1, WEXITED = 4, WNOWAIT = 0x1000000, W_ALL = 0x40000000 };
enum { CLD_EXITED = 1, CLD_KILLED = 2 };

#endif
