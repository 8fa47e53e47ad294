using Emulator.Core.Snapshot;
using NUnit.Framework;

namespace Emulator.Tests.Snapshot;

internal sealed class SnapshotFileTests
{
    private string _folder = "";

    private string Target => Path.Combine(_folder, "state");

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("emu-test").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Chunks_come_back_as_they_were_written()
    {
        byte[] packed = new byte[100_000];
        new Random(1).NextBytes(packed.AsSpan(0, 5000));
        Write(packed);
        using SnapshotReader reader = new(Target);
        Assert.Multiple(() =>
        {
            Assert.That(reader.Chunks.Keys, Is.EquivalentTo(new[] { "plain", "packed", "empty" }));
            Assert.That(reader.Chunks["plain"].Version, Is.EqualTo(7));
            Assert.That(reader.Read("plain", 100), Is.EqualTo(new byte[] { 1, 2, 3, 4, 5 }));
            Assert.That(reader.Read("packed", 100_000), Is.EqualTo(packed));
            Assert.That(reader.Read("empty", 0), Is.Empty);
            Assert.That(Directory.GetFiles(_folder), Has.Length.EqualTo(1), "no temporary file is left");
        });
        Assert.That(() => reader.Read("packed", 99_999), Throws.TypeOf<SnapshotException>());
        Assert.That(() => reader.Read("none", 1), Throws.TypeOf<SnapshotException>().With.Message.Contains("missing"));
    }

    [Test]
    public void Every_cut_and_every_changed_byte_is_noticed()
    {
        Write(new byte[3000]);
        byte[] good = File.ReadAllBytes(Target);
        for (int length = 0; length < good.Length; length++)
        {
            Expect(good[..length], $"cut to {length}");
        }

        for (int at = 0; at < good.Length; at++)
        {
            foreach (int change in new[] { 1, 0x80, 0xFF })
            {
                byte[] damaged = [.. good];
                damaged[at] ^= (byte)change;
                Expect(damaged, $"byte {at} xor {change}");
            }
        }

        Expect([.. good, 0], "one byte more");
    }

    [Test]
    public void Unfinished_file_leaves_the_old_one_alone()
    {
        File.WriteAllText(Target, "old");
        using (SnapshotWriter writer = new(Target))
        {
            writer.Add("a", 1, [1]);
        }

        Assert.That(File.ReadAllText(Target), Is.EqualTo("old"));
        Assert.That(Directory.GetFiles(_folder), Has.Length.EqualTo(1));
    }

    [Test]
    public void Places_that_cannot_be_written_are_refused()
    {
        Assert.Multiple(() =>
        {
            Assert.That(() => new SnapshotWriter(_folder), Throws.TypeOf<SnapshotException>());
            Assert.That(() => new SnapshotWriter(Path.Combine(_folder, "none", "state")), Throws.TypeOf<SnapshotException>());
            Assert.That(() => new SnapshotReader(_folder), Throws.TypeOf<SnapshotException>());
            Assert.That(() => new SnapshotReader(Target), Throws.TypeOf<SnapshotException>().With.Message.EndsWith("no such file"));
        });
    }

    [Test]
    public void Chunk_that_unpacks_to_another_length_is_refused([Values(2999, 3001)] int stated)
    {
        using (SnapshotWriter writer = new(Target))
        {
            writer.AddPacked("packed", 1, stated, stream => stream.Write(new byte[3000]));
            writer.Commit();
        }

        using SnapshotReader reader = new(Target);
        Assert.That(() => reader.Read("packed", 10_000), Throws.TypeOf<SnapshotException>().With.Message.Contains("unpack"));
    }

    private void Write(byte[] packed)
    {
        using SnapshotWriter writer = new(Target);
        writer.Add("plain", 7, [1, 2, 3, 4, 5]);
        writer.AddPacked("packed", 1, packed.Length, stream => stream.Write(packed));
        writer.Add("empty", 1, []);
        writer.Commit();
    }

    private void Expect(byte[] damaged, string what)
    {
        File.WriteAllBytes(Target, damaged);
        try
        {
            using SnapshotReader reader = new(Target);
            Assert.Fail($"{what}: was read");
        }
        catch (SnapshotException e)
        {
            Assert.That(e.Message, Does.StartWith(Target).And.Not.Contain("\n"), what);
        }
    }
}
