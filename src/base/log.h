/*
 * log: lines for a person, on standard error or in the system's log.
 *
 * Only the supervisor, the worker's frame around the engine, and the commands
 * log; modules return errors.  Under systemd each line carries its level as
 * "<N>" (sd-daemon(3)); else it begins with "ttt: ".
 */
#ifndef TTT_BASE_LOG_H
#define TTT_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above `level` are dropped; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);

/* From now on to syslog(3), for a process without a terminal; its socket stays open. */
void log_to_syslog(void);
/* Back to standard error: for a process that shuts itself in, and would reach for the socket. */
void log_to_stderr(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
