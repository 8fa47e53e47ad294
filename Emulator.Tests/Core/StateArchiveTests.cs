using Emulator.Core.Snapshot;
using NUnit.Framework;

namespace Emulator.Tests.Core;

/// <summary>Field archives: symmetric, and firm against damaged input.</summary>
[TestFixture]
public sealed class StateArchiveTests
{
    [Test]
    public void Fields_come_back_by_name()
    {
        StateArchive load = new("c", 3, Saved());
        int a = 0;
        bool b = false;
        byte[] c = [];
        ushort[] d = new ushort[2];
        load.Variable("c", ref c, 10);
        load.Field("b", ref b);
        load.Array<ushort>("d", d);
        load.Field("a", ref a);
        Assert.Multiple(() =>
        {
            Assert.That(load.Version, Is.EqualTo(3));
            Assert.That(a, Is.EqualTo(-5));
            Assert.That(b, Is.True);
            Assert.That(c, Is.EqualTo(new byte[] { 1, 2, 3 }));
            Assert.That(d, Is.EqualTo(new ushort[] { 7, 8 }));
        });
    }

    [Test]
    public void Every_truncation_is_refused()
    {
        byte[] saved = Saved();
        for (int length = 0; length < saved.Length; length++)
        {
            int cut = length;
            Assert.Throws<SnapshotException>(() => _ = new StateArchive("c", 1, saved.AsSpan(0, cut)));
        }
    }

    [Test]
    public void Wrong_sizes_missing_fields_and_oversized_lists_are_refused()
    {
        StateArchive load = new("c", 1, Saved());
        long wide = 0;
        byte[] list = [];
        Assert.Multiple(() =>
        {
            Assert.Throws<SnapshotException>(() => load.Field("a", ref wide));
            Assert.Throws<SnapshotException>(() => load.Field("nothing", ref wide));
            Assert.Throws<SnapshotException>(() => load.Variable("c", ref list, 2));
            Assert.Throws<SnapshotException>(() => load.Check(false, "a"));
        });
    }

    private static byte[] Saved()
    {
        StateArchive save = new("c", 3);
        int a = -5;
        bool b = true;
        byte[] c = [1, 2, 3];
        save.Field("a", ref a);
        save.Field("b", ref b);
        save.Variable("c", ref c, 10);
        save.Array<ushort>("d", [7, 8]);
        return save.ToArray();
    }
}
