# What caddy is used for: files, proxies, templates and TLS of its own, its
# administration, in the foreground and in the background.
stop() { # a server in the background, which $RUN started
	kill "-$2" $(cat "/proc/$1/task/$1/children")
	wait "$1" || true
}
ask() { curl -sk --max-time 5 -o /dev/null "$@" || true; }

export HOME=$PWD XDG_DATA_HOME=$PWD/data XDG_CONFIG_HOME=$PWD/config
mkdir -p www fcgi
echo '<p>{{now}} {{include "other.html"}}</p>' >www/index.html
echo '<p>other</p>' >www/other.html
head -c 3000000 /dev/zero >www/large.bin
cat >Caddyfile <<CONF
{
	admin unix/$PWD/admin.sock
	skip_install_trust
	persist_config off
	log {
		output file $PWD/caddy.log {
			roll_size 1MiB
			roll_keep 2
		}
		level DEBUG
	}
	local_certs
}
http://127.0.0.1:18091 {
	log {
		output file $PWD/access.log
	}
	encode gzip zstd
	templates
	root * $PWD/www
	file_server browse
	handle_path /proxy/* {
		reverse_proxy unix/$PWD/back.sock
	}
	handle_path /tcp/* {
		reverse_proxy 127.0.0.1:18092 127.0.0.1:1 {
			health_uri /
			health_interval 1s
			lb_try_duration 1s
		}
	}
	handle /metrics {
		metrics
	}
	php_fastcgi /php/* 127.0.0.1:1
	handle /answer {
		respond "hello {system.hostname} {env.HOME} {file.$PWD/www/other.html}"
	}
}
http://127.0.0.1:18092 {
	root * $PWD/www
	file_server
}
http:// {
	bind unix/$PWD/back.sock
	root * $PWD/www
	file_server
}
https://localhost:18493 {
	bind 127.0.0.1
	tls internal
	root * $PWD/www
	file_server
}
CONF

$RUN version
$RUN list-modules
$RUN build-info
$RUN environ
$RUN fmt --overwrite Caddyfile
$RUN adapt --config Caddyfile --pretty >adapted.json
$RUN validate --config Caddyfile
echo secret | $RUN hash-password
$RUN completion bash
$RUN manpage --directory man
$RUN storage export --config Caddyfile --output storage.tar
$RUN storage import --config Caddyfile --input storage.tar

$RUN run --config Caddyfile --watch --pidfile caddy.pid &
server=$!
until curl -s -o /dev/null --unix-socket admin.sock http://localhost/config/; do sleep 0.2; done
for path in / /other.html /large.bin /none /proxy/large.bin /tcp/large.bin /php/a /answer /metrics; do
	ask "http://127.0.0.1:18091$path"
done
ask -H 'Range: bytes=1-2' http://127.0.0.1:18092/large.bin
ask -T www/large.bin http://127.0.0.1:18091/proxy/
ask --resolve localhost:18493:127.0.0.1 https://localhost:18493/large.bin
ask --http3 --resolve localhost:18493:127.0.0.1 https://localhost:18493/
ask --unix-socket admin.sock http://localhost/pki/ca/local
ask --unix-socket admin.sock 'http://localhost/debug/pprof/profile?seconds=1'
$RUN reload --config Caddyfile --address "unix/$PWD/admin.sock" --force
echo >>Caddyfile
sleep 2
kill -USR1 $(cat "/proc/$server/task/$server/children")
$RUN stop --address "unix/$PWD/admin.sock"
wait $server

$RUN start --config Caddyfile </dev/null >/dev/null 2>&1 &
until curl -s -o /dev/null --unix-socket admin.sock http://localhost/config/; do sleep 0.2; done
$RUN stop --address "unix/$PWD/admin.sock"
$RUN file-server --root www --listen 127.0.0.1:18094 --browse --access-log &
server=$!
until curl -s -o /dev/null http://127.0.0.1:18094/; do sleep 0.2; done
stop $server TERM
$RUN reverse-proxy --from http://127.0.0.1:18095 --to 127.0.0.1:1 &
server=$!
until curl -s -o /dev/null http://127.0.0.1:18095/; do sleep 0.2; done
stop $server QUIT
