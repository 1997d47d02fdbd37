drop table optimizations;
alter table restaurants drop column optimize_mode, drop column optimize_at, drop column optimized_on;
