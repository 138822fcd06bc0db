# What nginx is used for: served and uploaded files, proxies, caches, TLS,
# reloads and upgrades. $RUN runs it; its own calls are what is looked at.
dir=$PWD
mkdir -p www/private cache store dav tmp
echo hello >www/index.html
ln -s index.html www/link.html
head -c 3000000 /dev/zero >www/large.bin
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>openssl.log

cat >nginx.conf <<CONF
user nobody nogroup; # whom no module of NSS is asked about
worker_processes 2;
worker_priority 5;
worker_cpu_affinity auto;
worker_rlimit_nofile 1024;
working_directory $dir;
timer_resolution 100ms;
pid $dir/nginx.pid;
error_log $dir/error.log debug;
thread_pool default threads=2;
events { worker_connections 256; }
http {
	access_log $dir/access.log combined buffer=1k flush=1s;
	access_log $dir/by-\$status.log;
	access_log syslog:server=127.0.0.1:18514;
	client_body_temp_path $dir/tmp/body;
	client_body_in_file_only clean;
	proxy_temp_path $dir/tmp/proxy;
	fastcgi_temp_path $dir/tmp/fastcgi;
	uwsgi_temp_path $dir/tmp/uwsgi;
	scgi_temp_path $dir/tmp/scgi;
	proxy_cache_path $dir/cache levels=1:2 keys_zone=cache:1m max_size=1m inactive=1s manager_sleep=200ms loader_sleep=50ms;
	open_file_cache max=100;
	sendfile on;
	tcp_nopush on;
	gzip on;
	server {
		listen 127.0.0.1:18082 so_keepalive=on backlog=64;
		listen 127.0.0.1:18083 reuseport;
		listen unix:$dir/nginx.sock;
		listen 127.0.0.1:18443 ssl http2;
		ssl_certificate cert.pem;
		ssl_certificate_key key.pem;
		root $dir/www;
		location / { autoindex on; add_header X-Server \$server_addr:\$server_port; }
		location /strict/ { alias $dir/www/; disable_symlinks on; }
		location /threads/ { alias $dir/www/; aio threads; }
		location /aio/ { alias $dir/www/; directio 512; output_buffers 1 64k; }
		location /plain/ { alias $dir/www/; sendfile off; read_ahead 64k; }
		location /index/ { alias $dir/www/; random_index on; }
		location /dav/ {
			root $dir;
			dav_methods PUT DELETE MKCOL COPY MOVE;
			create_full_put_path on;
			dav_access group:rw all:r;
			min_delete_depth 1;
		}
		location /proxy/ { proxy_pass http://unix:$dir/nginx.sock:/; proxy_cache cache; proxy_cache_valid 200 2s; }
		location /store/ { root $dir; proxy_store on; proxy_pass http://127.0.0.1:18083/; }
		location /bound/ { proxy_bind \$remote_addr transparent; proxy_pass http://127.0.0.1:18083/; }
		location /buffered/ { proxy_buffers 2 4k; proxy_buffer_size 4k; proxy_busy_buffers_size 4k; proxy_pass http://127.0.0.1:18083/; }
		location /unreachable/ { proxy_pass http://127.0.0.1:1/; }
		location /name/ { resolver 127.0.0.1:18053; set \$to localhost; proxy_pass http://\$to:18083/; }
		location /fastcgi/ { fastcgi_pass 127.0.0.1:1; }
		location /status { stub_status; }
	}
}
CONF
chmod 777 . cache store dav tmp

ask() { curl -sk --max-time 5 -o /dev/null "$@" || true; }

$RUN -t -c "$dir/nginx.conf" -p "$dir"
$RUN -V
$RUN -c "$dir/nginx.conf" -p "$dir" &
while [ ! -s nginx.pid ]; do sleep 0.1; done

for path in / /index.html /link.html /strict/link.html /threads/large.bin /aio/large.bin /plain/large.bin /index/ \
	/private/ /proxy/index.html /store/index.html /bound/index.html /buffered/large.bin /unreachable/ /name/ /fastcgi/ /status /none; do
	ask "http://127.0.0.1:18082$path"
done
ask http://127.0.0.1:18083/ -H 'Range: bytes=1-2'
ask --unix-socket nginx.sock http://localhost/
ask https://127.0.0.1:18443/large.bin
ask -T www/large.bin -H 'Date: Mon, 01 Jan 2024 00:00:00 GMT' http://127.0.0.1:18082/dav/a/large.bin
ask -X MKCOL http://127.0.0.1:18082/dav/b/
ask -X COPY -H 'Destination: /dav/b/copy.bin' http://127.0.0.1:18082/dav/a/large.bin
ask -X MOVE -H 'Destination: /dav/moved.bin' http://127.0.0.1:18082/dav/b/copy.bin
ask -X DELETE http://127.0.0.1:18082/dav/b/
ask -X POST --data-binary @www/large.bin http://127.0.0.1:18082/proxy/
ask --limit-rate 300k http://127.0.0.1:18082/buffered/large.bin
sleep 2 # what is cached gets old

$RUN -s reload -c "$dir/nginx.conf" -p "$dir"
$RUN -s reopen -c "$dir/nginx.conf" -p "$dir"
sleep 1
kill -USR2 "$(cat nginx.pid)" # a new executable
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s nginx.pid.oldbin ] && [ -s nginx.pid ] && break; sleep 0.5; done
ask http://127.0.0.1:18082/index.html
old=$(cat nginx.pid.oldbin 2>/dev/null || true)
[ -z "$old" ] || kill -QUIT "$old"
sleep 1
$RUN -s quit -c "$dir/nginx.conf" -p "$dir"
for i in 1 2 3 4 5 6 7 8 9 10; do [ -e nginx.pid ] || break; sleep 0.5; done
