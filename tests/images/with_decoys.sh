# Runs a program on a host that has files of its own in the places of an image's, as Debian 13 has all
# of these; fails if the program changes anything in /etc or /usr. In a mount namespace, with which all
# of it goes.
mount -t tmpfs decoys /mnt
for folder in etc usr; do
    mkdir -p /mnt/$folder/changed /mnt/$folder/work
    mount -t overlay -o "lowerdir=/$folder,upperdir=/mnt/$folder/changed,workdir=/mnt/$folder/work" \
        decoys /$folder
done
for file in /etc/localtime /etc/python3.13/sitecustomize.py /etc/ssl/certs/ca-certificates.crt \
    /usr/bin/python3.13 /usr/lib/python3.13/os.py /usr/lib/ssl/cert.pem; do
    mkdir -p "${file%/*}"
    rm -f "$file"
    echo "raise SystemExit('$file is the host, not the image')" >"$file"
    chmod +x "$file"
done
find /mnt/*/changed >/mnt/before
"$@"
find /mnt/*/changed | diff /mnt/before -
