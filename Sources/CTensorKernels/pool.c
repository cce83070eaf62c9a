// The thread pool: one job at a time, its tasks claimed one by one by the caller and by parked workers.
//
// A job is published and claimed through one 64-bit ticket: the job's number in the high half, the tasks left in
// the low half. A claim is a compare-and-swap of the whole ticket, so a worker that slept through a job cannot
// touch the next one by mistake, and the job's fields need no lock: they change only while no task is left or
// running, and are read only after a successful claim.
//
// Who has nothing to do spins for at most 20 µs, gives its core away for a while, then sleeps: on cores shared
// with others, spinning alone makes two threads slower than one.

#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "CTensorKernels.h"

enum { MAX_THREADS = 256, SPIN_NANOSECONDS = 20000, YIELD_NANOSECONDS = 100000 };

static struct {
    alignas(64) _Atomic uint64_t ticket;  // job number << 32 | tasks left
    alignas(64) _Atomic ptrdiff_t unfinished;
    alignas(64) _Atomic bool busy;  // held by whoever runs a job or changes the number of threads

    ptrdiff_t tasks;
    void (*body)(void *context, ptrdiff_t task);
    void *context;

    // Sleep. Both sides store their flag, then look at the other's (all sequentially consistent), so either the
    // sleeper sees the news or the other side sees the sleeper.
    pthread_mutex_t mutex;
    pthread_cond_t work, finished;
    _Atomic int sleepers;
    _Atomic bool caller_sleeps;
    _Atomic bool stop;

    _Atomic int configured;  // threads, the caller included; 0: not yet known
    bool started;
    int workers;
    pthread_t threads[MAX_THREADS];
} pool = {
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .work = PTHREAD_COND_INITIALIZER,
    .finished = PTHREAD_COND_INITIALIZER,
};

static _Thread_local bool inside_task;

// --- Waiting ---

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Spins, then yields, until the condition holds; false when it is time to sleep.
static bool wait_awake(bool (*condition)(void)) {
    int64_t start = nanoseconds();
    for (;;) {
        for (int i = 0; i < 32; i++) {
            if (condition()) return true;
            pause_briefly();
        }
        int64_t waited = nanoseconds() - start;
        if (waited > YIELD_NANOSECONDS) return false;
        if (waited > SPIN_NANOSECONDS) sched_yield();
    }
}

static bool has_work(void) { return (uint32_t)atomic_load(&pool.ticket) != 0 || atomic_load(&pool.stop); }
static bool all_finished(void) { return atomic_load(&pool.unfinished) == 0; }

// --- Working ---

// Claims and runs tasks until none is left.
static void run_tasks(void) {
    ptrdiff_t done = 0;
    uint64_t ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    inside_task = true;
    while ((uint32_t)ticket != 0) {
        if (!atomic_compare_exchange_weak_explicit(
                &pool.ticket, &ticket, ticket - 1, memory_order_acquire, memory_order_acquire))
            continue;
        pool.body(pool.context, pool.tasks - (ptrdiff_t)(uint32_t)ticket);
        done++;
        ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    }
    inside_task = false;
    // The job cannot end before this, so all `done` tasks were of one job.
    if (done > 0 && atomic_fetch_sub(&pool.unfinished, done) == done && atomic_load(&pool.caller_sleeps)) {
        pthread_mutex_lock(&pool.mutex);
        pthread_cond_signal(&pool.finished);
        pthread_mutex_unlock(&pool.mutex);
    }
}

static void *worker(void *unused) {
    while (!atomic_load(&pool.stop)) {
        run_tasks();
        if (wait_awake(has_work)) continue;
        pthread_mutex_lock(&pool.mutex);
        atomic_fetch_add(&pool.sleepers, 1);
        while (!has_work()) pthread_cond_wait(&pool.work, &pool.mutex);
        atomic_fetch_sub(&pool.sleepers, 1);
        pthread_mutex_unlock(&pool.mutex);
    }
    return unused;
}

static void wake(ptrdiff_t count) {
    if (atomic_load(&pool.sleepers) == 0) return;
    pthread_mutex_lock(&pool.mutex);
    if (count >= pool.workers) pthread_cond_broadcast(&pool.work);
    else for (ptrdiff_t i = 0; i < count; i++) pthread_cond_signal(&pool.work);
    pthread_mutex_unlock(&pool.mutex);
}

static bool acquire_pool(void) { return !atomic_exchange_explicit(&pool.busy, true, memory_order_acquire); }
static void release_pool(void) { atomic_store_explicit(&pool.busy, false, memory_order_release); }

// A thread that cannot be created is done without.
static void start_workers(void) {
    pool.started = true;
    for (int i = 1; i < mml_thread_count(); i++) {
        if (pthread_create(&pool.threads[pool.workers], NULL, worker, NULL) != 0) break;
        pool.workers++;
    }
}

static void stop_workers(void) {
    atomic_store(&pool.stop, true);
    wake(MAX_THREADS);
    for (int i = 0; i < pool.workers; i++) pthread_join(pool.threads[i], NULL);
    pool.workers = 0;
    pool.started = false;
    atomic_store(&pool.stop, false);
}

void mml_parallel(ptrdiff_t tasks, void (*body)(void *context, ptrdiff_t task), void *context) {
    if (tasks < 2 || tasks > UINT32_MAX || inside_task || mml_thread_count() == 1 || !acquire_pool()) {
        for (ptrdiff_t i = 0; i < tasks; i++) body(context, i);
        return;
    }
    if (!pool.started) start_workers();
    pool.tasks = tasks;
    pool.body = body;
    pool.context = context;
    atomic_store_explicit(&pool.unfinished, tasks, memory_order_relaxed);
    uint64_t job = (atomic_load_explicit(&pool.ticket, memory_order_relaxed) >> 32) + 1;
    atomic_store(&pool.ticket, job << 32 | (uint64_t)tasks);
    wake(tasks - 1);
    run_tasks();
    if (!wait_awake(all_finished)) {
        pthread_mutex_lock(&pool.mutex);
        atomic_store(&pool.caller_sleeps, true);
        while (!all_finished()) pthread_cond_wait(&pool.finished, &pool.mutex);
        atomic_store(&pool.caller_sleeps, false);
        pthread_mutex_unlock(&pool.mutex);
    }
    release_pool();
}

// --- The number of threads ---

#if defined(__linux__)
// CPUs that the control group's quota is worth (cgroup v2), or a large number.
static int quota(void) {
    long long time = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file == NULL) return MAX_THREADS;
    int read = fscanf(file, "%lld %lld", &time, &period);  // "max 100000" reads nothing
    fclose(file);
    if (read != 2 || time <= 0 || period <= 0) return MAX_THREADS;
    long long cpus = (time + period - 1) / period;
    return cpus < MAX_THREADS ? (int)cpus : MAX_THREADS;
}
#endif

static int clamp(long count) { return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : (int)count; }

static int usable_cores(void) {
    const char *wanted = getenv("MARKETINGML_NUM_THREADS");
    if (wanted != NULL && atoi(wanted) > 0) return clamp(atoi(wanted));
#if defined(__linux__)
    cpu_set_t set;
    int limit = quota();
    if (sched_getaffinity(0, sizeof set, &set) == 0) return clamp(CPU_COUNT(&set) < limit ? CPU_COUNT(&set) : limit);
#endif
    return clamp(sysconf(_SC_NPROCESSORS_ONLN));
}

// What was configured, not what could be started: results may depend on the former only.
int mml_thread_count(void) {
    int count = atomic_load_explicit(&pool.configured, memory_order_relaxed);
    if (count == 0) {
        int expected = 0;
        count = usable_cores();
        if (!atomic_compare_exchange_strong(&pool.configured, &expected, count)) count = expected;
    }
    return count;
}

// Inside a task it does nothing: it would wait for itself.
void mml_set_thread_count(int count) {
    if (inside_task) return;
    while (!acquire_pool()) {
        struct timespec moment = {.tv_nsec = 50000};
        nanosleep(&moment, NULL);
    }
    if (clamp(count) != mml_thread_count() || pool.workers != clamp(count) - 1) stop_workers();
    atomic_store(&pool.configured, clamp(count));
    release_pool();
}
