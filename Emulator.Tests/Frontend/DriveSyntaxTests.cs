using Emulator.Devices.Storage;
using Emulator.Frontend;
using Emulator.Frontend.CommandLine;
using NUnit.Framework;

namespace Emulator.Tests.Frontend;

[TestFixture]
public sealed class DriveSyntaxTests
{
    [TestCase("file=a.img", ExpectedResult = "Ide -1 Disk a.img  False False")]
    [TestCase("file=a,,b.img,if=ide,index=3,format=raw", ExpectedResult = "Ide 3 Disk a,b.img raw False False")]
    [TestCase("if=ide,bus=1,unit=1,file=x,readonly=on", ExpectedResult = "Ide 3 Disk x  True False")]
    [TestCase("media=cdrom", ExpectedResult = "Ide -1 CdRom   False False")]
    [TestCase("file=a=b,snapshot=on,cache=none,format=vhd", ExpectedResult = "Ide -1 Disk a=b vpc False True")]
    [TestCase("if=floppy,index=1", ExpectedResult = "Floppy 1 Disk   False False")]
    public string Properties_are_read(string text)
    {
        DriveOptions d = DriveSyntax.Parse(text);
        return $"{d.Interface} {d.Index} {d.Media} {d.File} {d.Format} {d.ReadOnly} {d.Snapshot}";
    }

    [TestCase("", "name=value")]
    [TestCase("file", "name=value")]
    [TestCase("file=", "empty")]
    [TestCase("index=0", "file=")]
    [TestCase("file=a,index=4", "index")]
    [TestCase("file=a,index=-1", "index")]
    [TestCase("file=a,if=floppy,index=2", "index 0 to 1")]
    [TestCase("file=a,if=virtio", "not supported")]
    [TestCase("file=a,if=abc", "unknown")]
    [TestCase("file=a,media=tape", "unknown")]
    [TestCase("file=a,format=qed", "unknown")]
    [TestCase("file=a,readonly=maybe", "on and off")]
    [TestCase("file=a,if=floppy,media=cdrom", "fit")]
    [TestCase("file=a,colour=red", "unknown")]
    [TestCase("file=a,index=1,unit=1", "excludes")]
    public void Mistakes_are_explained(string text, string word)
    {
        UsageException e = Assert.Throws<UsageException>(() => DriveSyntax.Parse(text))!;
        Assert.That(e.Message, Does.Contain(word));
    }

    [Test]
    public void Drives_without_an_index_take_the_first_free_place()
    {
        DriveOptions[] drives = [DriveSyntax.Parse("file=a"), DriveSyntax.Short("-hda", "b"), DriveSyntax.Parse("media=cdrom"), DriveSyntax.Parse("file=c")];
        Assert.That(DriveSyntax.Place(drives, snapshot: false).Select(d => d.Index), Is.EqualTo(new[] { 1, 0, 2, 3 }));
        Assert.That(DriveSyntax.Place(drives, snapshot: true).All(d => d.Snapshot), Is.True);
        Assert.Throws<UsageException>(() => DriveSyntax.Place([.. drives, DriveSyntax.Parse("file=d")], snapshot: false));
        Assert.Throws<UsageException>(() => DriveSyntax.Place([DriveSyntax.Short("-hdc", "x"), DriveSyntax.Short("-cdrom", "y")], snapshot: false));
    }
}
