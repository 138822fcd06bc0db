# What hugo is used for: a site built, served with live reload, its images,
# files copied, pages of other servers, and imports from elsewhere.
stop() { # a server in the background, which $RUN started
	kill -INT $(cat "/proc/$1/task/$1/children")
	wait "$1" || true
}

$RUN version
$RUN env
$RUN new site site
cd site
git init -q . && git config user.email a@example.test && git config user.name a
$RUN new theme plain
mkdir -p static assets layouts content/posts
cat >hugo.toml <<'CONF'
baseURL = "http://example.test/"
title = "site"
theme = "plain"
enableGitInfo = true
CONF
cat >layouts/page.html <<'PAGE'
<html><body>{{ .Content }}
{{ with resources.Get "a.png" }}{{ (.Resize "20x").RelPermalink }}{{ (.Filter (images.GaussianBlur 3)).RelPermalink }}{{ end }}
{{ with try (resources.GetRemote "http://127.0.0.1:18099/page.html") }}{{ with .Value }}{{ .Content }}{{ end }}{{ end }}
{{ with resources.Get "a.css" }}{{ (. | minify | fingerprint).RelPermalink }}{{ end }}
{{ with resources.Get "a.js" }}{{ (. | js.Build).RelPermalink }}{{ end }}
{{ range readDir "content" }}{{ .Name }}{{ end }}{{ readFile "hugo.toml" }}{{ getenv "HUGO_X" }}
</body></html>
PAGE
base64 -d >assets/a.png <<'PNG'
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
PNG
echo 'body { color: red }' >assets/a.css
echo 'export let x = 1; console.log(x)' >assets/a.js
echo run >static/run.sh
chmod 755 static/run.sh
$RUN new content posts/one.md
printf -- '---\ntitle: two\n---\n```go\nfunc f() {}\n```\n[x](/)\n' >content/posts/two.md
git add -A && git commit -qm one

mkdir ../other && echo '<p>there</p>' >../other/page.html
python3 -m http.server -d ../other -b 127.0.0.1 18099 >/dev/null 2>&1 &
other=$!
until curl -s -o /dev/null http://127.0.0.1:18099/; do sleep 0.2; done

export GOFLAGS=-mod=mod GOPROXY=off
$RUN -D --minify --gc --cleanDestinationDir
$RUN -D --profile-cpu ../cpu --profile-mem ../mem --trace ../trace --printMemoryUsage --templateMetrics
$RUN list all
$RUN config mounts
$RUN convert toYAML --unsafe -o ../converted
$RUN gen chromastyles
$RUN gen doc --dir ../doc
$RUN gen man --dir ../man
$RUN mod init example.test/site
$RUN mod graph
$RUN mod vendor
mkdir -p ../jekyll/_posts && printf -- '---\ntitle: a\n---\ntext\n' >../jekyll/_posts/2020-01-01-a.md && echo text >../jekyll/file
$RUN import jekyll ../jekyll ../imported
$RUN completion bash

$RUN server -D -p 18098 --renderStaticToDisk --pprof 2>&1 &
server=$!
until curl -s -o /dev/null http://127.0.0.1:18098/; do sleep 0.2; done
curl -s -o /dev/null http://127.0.0.1:18098/posts/two/
curl -s -o /dev/null -H 'Range: bytes=1-9' http://127.0.0.1:18098/run.sh
mkdir content/more && echo text >content/more/new.md
sleep 1
echo more >>content/posts/two.md
chmod 700 static/run.sh
mv content/more content/later
sleep 1
rm -r content/later
sleep 1
curl -s -o /dev/null 'http://127.0.0.1:8080/debug/pprof/profile?seconds=1'
stop $server
$RUN server --renderToMemory --tlsAuto -p 18097 2>&1 &
server=$!
sleep 3
stop $server
kill $other
