# .deb files unpacked over each other, into $out, without running dpkg. In: $packages, $deb.
#
# The package records are distroless-style: scanners read them, and no dpkg is needed to write them.
records=$out/var/lib/dpkg/status.d
mkdir -p "$records"
. "$deb"
for package in $packages; do
  unpack "$package"
  ar p "$package" control.tar.xz | tar xJf - -C "$TMPDIR"
  name=$(sed -n 's/^Package: //p' "$TMPDIR/control")
  mv "$TMPDIR/control" "$records/$name"
  [ ! -e "$TMPDIR/md5sums" ] || mv "$TMPDIR/md5sums" "$records/$name.md5sums"
done

# Nothing at run time reads these; the licences in usr/share/doc/*/copyright stay.
cd "$out"
if [ -d usr/share/doc ]; then
  find usr/share/doc ! -type d ! -name copyright -exec rm {} +
  find usr/share/doc -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +
fi
rm -rf usr/share/man usr/share/locale usr/share/lintian usr/share/bug usr/share/info \
  usr/share/pixmaps usr/share/applications usr/share/gcc usr/share/gdb \
  usr/lib/systemd usr/lib/tmpfiles.d usr/lib/sysusers.d etc/cron.d etc/init.d etc/logrotate.d
