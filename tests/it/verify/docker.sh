#!/bin/sh
# Answers as docker does, from files of the folder FAKE: <side>.image.json, .tar, .container.json, .stopped.json, .output
# say what an image is and does; <side>.build and .start are run in place of a build and a start, where they are there.
# with <side>.later, its third run is that of the side `later`; `choose` prints the side of a Dockerfile. What was made lies in images/, containers/ and networks/.
cd "$FAKE" || exit 125
echo "$@" >> calls
mkdir -p images containers networks
plain() { printf %s "$1" | tr '/:' '__'; }
last() { for last; do :; done; printf %s "$last"; }
side() { cat "containers/$1" 2>/dev/null; }
test "$1 $2" = "buildx build" && shift
case "$1 $2" in
version*) test -f gone && { echo "Cannot connect to the Docker daemon" >&2; exit 1; }; echo 99.0 ;;
"buildx version") test -f buildx ;;
"buildx inspect") grep -qx "$(last "$@")" buildx || { echo "ERROR: no builder \"$(last "$@")\" found" >&2; exit 1; } ;;
info*) echo Linux ;;
"context inspect") echo unix:///fake.sock ;;
build*)
    while [ $# -gt 1 ]; do
        case "$1" in --tag) tag=$2 ;; --file) file=$2 ;; esac
        shift
    done
    side=${tag##*-}
    test -f choose && side=$(sh ./choose "$file" "$side")
    if [ -f "$side.build" ]; then
        file=$file sh "./$side.build" >&2 || exit 1
    fi
    echo "$side" > "images/$(plain "$tag")" ;;
"image inspect") cat "$(cat "images/$(plain "$3")").image.json" ;;
"network create") : > "networks/$(last "$@")" ;;
create*)
    while [ $# -gt 2 ]; do shift; done
    echo "made" > "containers/files-$(plain "$1")"
    echo "files-$(plain "$1")" ;;
export*) cat "$(cat "images/${2#files-}").tar" ;;
run*)
    while [ $# -gt 0 ]; do
        case "$1" in
        --name) name=$2; shift 2 ;;
        run|--detach) shift ;;
        --*) shift 2 ;;
        *) tag=$1; break ;;
        esac
    done
    side=$(cat "images/$(plain "$tag")")
    echo >> "runs-$side"
    if [ -f "$side.later" ] && [ "$(wc -l < "runs-$side")" -gt 2 ]; then side=later; fi
    echo "$side" > "containers/$name"
    if [ -f "$side.start" ]; then sh "./$side.start" >&2; exit 127; fi
    echo "$name" ;;
"container inspect")
    if [ -f "containers/$3.stopped" ]; then cat "$(side "$3").stopped.json"; else cat "$(side "$3").container.json"; fi ;;
logs*) cat "$(side "$2").output" ;;
stop*) : > "containers/$4.stopped" ;;
exec*) sh "./$(side "$2").health" ;;
ps*) ls containers ;;
images*) ls images ;;
"network ls") ls networks ;;
"rm "*) while [ $# -gt 0 ]; do rm -f "containers/$1" "containers/$1.stopped"; shift; done ;;
"rmi "*) while [ $# -gt 0 ]; do rm -f "images/$1"; shift; done ;;
"network rm") while [ $# -gt 0 ]; do rm -f "networks/$1"; shift; done ;;
*) echo "the fake docker knows no: $*" >&2; exit 125 ;;
esac
