//! What Go, robfig/cron and go-yaml answer, as tables; and properties that hold for any input.

mod cron;
mod duration;
mod glob;
mod regex;
mod template;
mod time;
mod yaml_emit;
