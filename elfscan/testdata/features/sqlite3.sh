# What the shell of SQLite is used for besides SQL: other programs, archives,
# files of its own, a terminal, threads, several processes and its journals.
$RUN -version
$RUN a.db "create table t(a, b); insert into t values(1, 2); vacuum;"
printf '1,2\n3,4\n' >in.csv
touch empty; ln -s empty link; mkdir sub; echo text >sub/file

$RUN a.db <<'SQL'
.timer on
.system echo hello
.shell true
.import --csv in.csv u
.once |cat
select * from u;
.output out.txt
select * from u;
.output
.excel
select 1;
.backup b.db
.save c.db
.clone d.db
.dump
.read |echo 'select 7;'
.log on
.stats on
.cd sub
select writefile('w', zeroblob(1000)), writefile('m', 'x', 33188, 1700000000), readfile('w') is null;
select name, mode from fsdir('..');
.cd ..
pragma journal_mode=wal;
insert into t values(3, 4);
pragma wal_checkpoint(truncate);
pragma journal_mode=truncate;
insert into t values(5, 6);
pragma journal_mode=memory;
pragma threads=4;
pragma mmap_size=100000000;
pragma cache_spill=10;
attach 'e.db' as e;
create table e.big as with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) select i, randomblob(200) b from n;
create index e.by on big(b);
select count(*) from (select b from e.big order by b desc);
delete from e.big;
pragma e.incremental_vacuum;
vacuum e;
select datetime('now', 'localtime'), random();
SQL
$RUN -A -c -f x.sqlar in.csv sub link
$RUN -A -x -f x.sqlar -C sub
$RUN -A -t -v -f x.sqlar
$RUN x.zip ".archive -c in.csv sub" || true
$RUN -vfs unix-dotfile f.db "create table t(a); begin immediate; insert into t values(1); commit;"
$RUN -vfs unix-excl g.db "pragma journal_mode=wal; create table t(a);"
$RUN -readonly a.db "select count(*) from t;"
$RUN -deserialize a.db "select count(*) from t;"

# One waits for a lock that another holds.
{ echo 'begin exclusive;'; sleep 1; echo 'commit;'; } | $RUN a.db &
sleep 0.5
$RUN a.db '.timeout 2000' 'insert into t values(9, 9);'
wait

# A terminal, with the editor of lines, completion and its history.
printf 'select 1;\nsel\t\t\n.help\n.quit\n' >keys
HOME=$PWD script -qec "$RUN a.db" screen.txt <keys || true
