using System.Diagnostics;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Emulator.Tests.Robustness;
using NUnit.Framework;

namespace Emulator.Tests.Storage;

[TestFixture]
public sealed class ImageTests
{
    private const string Raw = "raw";
    private const string Qcow = "qcow2";
    private const string SmallQcow = "qcow2 with clusters of 512 bytes";
    private const string Vmdk = "vmdk";
    private const string FlatVmdk = "vmdk flat";
    private const string Vhd = "vpc";
    private const string FixedVhd = "vpc flat";
    private const int Sectors = 20400; // a size that has a geometry

    private static readonly string[] Kinds = [Raw, Qcow, SmallQcow, Vmdk, FlatVmdk, Vhd, FixedVhd];

    private string _directory = "";

    [SetUp]
    public void CreateDirectory() => _directory = Directory.CreateTempSubdirectory("emu-images").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [TestCaseSource(nameof(Kinds))]
    public void Random_writes_read_back_now_and_after_reopening(string kind)
    {
        string path = Create(kind, Sectors);
        Random random = new(FuzzSeed.Value);
        byte[] expected = new byte[Sectors * 512];
        for (int round = 0; round < 4; round++)
        {
            using BlockImage image = ImageFiles.Open(path, kind == Raw ? Raw : null);
            Assert.That((image.SectorCount, image.Format), Is.EqualTo(((long)Sectors, kind.Split(' ')[0])));
            for (int i = 0; i < 150; i++)
            {
                RandomWrite(random, image, expected);
                RandomRead(random, image, expected);
            }
        }

        using BlockImage last = ImageFiles.Open(path, kind == Raw ? Raw : null, readOnly: true);
        byte[] all = new byte[expected.Length];
        last.Read(0, all);
        Assert.That(all.AsSpan().SequenceEqual(expected), Is.True);
        if (last is QcowImage qcow)
        {
            ImageCheckResult result = qcow.Check();
            Assert.That((result.Errors, result.Leaks), Is.EqualTo((0L, 0L)), string.Join('\n', result.Messages));
        }

        CompareWithQemu(kind, path, expected);
    }

    /// <summary>A copy of the file between two writes is what a kill would leave.</summary>
    [TestCase(Qcow)]
    [TestCase(SmallQcow)]
    [TestCase(Vmdk)]
    [TestCase(Vhd)]
    [Platform("Linux,MacOsX")]
    public void A_kill_loses_nothing_that_was_flushed(string kind)
    {
        string path = Create(kind, Sectors);
        string copy = Path.Combine(_directory, "copy.img");
        Random random = new(FuzzSeed.Value);
        using BlockImage image = ImageFiles.Open(path);
        byte[] flushed = new byte[Sectors * 512];
        for (int kill = 0; kill < 25; kill++)
        {
            HashSet<long> touched = [];
            byte[] current = (byte[])flushed.Clone();
            for (int i = random.Next(12); i >= 0; i--)
            {
                (long first, int count) = RandomWrite(random, image, current);
                for (long s = first; s < first + count; s++)
                {
                    touched.Add(s);
                }
            }

            Assert.That(Run("/bin/cp", path, copy), Is.Zero, "a program that asks for no lock");

            using (BlockImage left = ImageFiles.Open(copy))
            {
                if (left is QcowImage qcow)
                {
                    ImageCheckResult result = qcow.Check();
                    Assert.That(result.Errors, Is.Zero, string.Join('\n', result.Messages));
                }

                byte[] all = new byte[flushed.Length];
                left.Read(0, all);
                for (int s = 0; s < Sectors; s++)
                {
                    if (!touched.Contains(s) && !all.AsSpan(s * 512, 512).SequenceEqual(flushed.AsSpan(s * 512, 512)))
                    {
                        Assert.Fail($"sector {s} is lost");
                    }
                }

                // It goes on from there.
                byte[] scratch = new byte[flushed.Length];
                RandomWrite(random, left, scratch);
            }

            image.Flush();
            flushed = current;
        }
    }

    [Test]
    public void Clones_read_what_is_below_and_write_above()
    {
        string below = Create(Qcow, Sectors);
        byte[] expected = new byte[Sectors * 512];
        Random random = new(FuzzSeed.Value);
        using (BlockImage image = ImageFiles.Open(below))
        {
            for (int i = 0; i < 50; i++)
            {
                RandomWrite(random, image, expected);
            }
        }

        byte[] before = File.ReadAllBytes(below);
        string above = Path.Combine(_directory, "above.qcow2");
        ImageFiles.Create(above, Qcow, Sectors + 100, new ImageCreation { BackingFile = Path.GetFileName(below), BackingFormat = Qcow });
        expected = [.. expected, .. new byte[100 * 512]];
        using (BlockImage image = ImageFiles.Open(above))
        {
            for (int i = 0; i < 100; i++)
            {
                RandomWrite(random, image, expected);
                RandomRead(random, image, expected);
            }
        }

        Assert.That(File.ReadAllBytes(below).AsSpan().SequenceEqual(before), Is.True);
        CompareWithQemu(Qcow, above, expected);
    }

    [Test]
    public void Tables_of_counts_grow()
    {
        // 64 entries of 256 clusters of 512 bytes: 8 MiB.
        string path = Create(SmallQcow, 60000);
        byte[] data = new byte[60000 * 512];
        new Random(3).NextBytes(data);
        using (BlockImage image = ImageFiles.Open(path))
        {
            for (int at = 0; at < 60000; at += 600)
            {
                image.Write(at, data.AsSpan(at * 512, 600 * 512));
            }
        }

        using QcowImage check = (QcowImage)ImageFiles.Open(path, readOnly: true);
        ImageCheckResult result = check.Check();
        Assert.That((result.Errors, result.Leaks, result.Allocated), Is.EqualTo((0L, 0L, 60000L)), string.Join('\n', result.Messages));
        CompareWithQemu(SmallQcow, path, data);
    }

    [Test]
    public void Overlays_keep_writes_away_from_the_disk()
    {
        string path = Create(Raw, 1001);
        byte[] expected = new byte[1001 * 512];
        Random random = new(FuzzSeed.Value);
        using OverlayImage overlay = new(ImageFiles.Open(path, Raw, readOnly: true));
        for (int i = 0; i < 300; i++)
        {
            RandomWrite(random, overlay, expected);
            RandomRead(random, overlay, expected);
        }

        Assert.That(File.ReadAllBytes(path), Has.All.Zero);
        using MemoryStream saved = new();
        overlay.Save(saved);
        Assert.That(saved.Length, Is.EqualTo(overlay.SavedLength));
        using OverlayImage other = new(new MemoryImage(new byte[1001 * 512], readOnly: true));
        Assert.That(other.Load(saved.ToArray()), Is.True);
        byte[] all = new byte[expected.Length];
        other.Read(0, all);
        Assert.That(all.AsSpan().SequenceEqual(expected), Is.True);
        Assert.That(other.Load(saved.ToArray().AsSpan(0, 1000)), Is.False);
    }

    [Test]
    public void Images_are_locked()
    {
        string path = Create(Raw, 10);
        using (ImageFiles.Open(path, Raw))
        {
            Assert.That(Assert.Throws<StorageException>(() => ImageFiles.Open(path, Raw))!.Message, Does.Contain("in use"));
            Assert.That(Assert.Throws<StorageException>(() => ImageFiles.Open(path, Raw, readOnly: true))!.Message, Does.Contain("in use"));
        }

        using BlockImage one = ImageFiles.Open(path, Raw, readOnly: true);
        using BlockImage two = ImageFiles.Open(path, Raw, readOnly: true);
        Assert.Throws<StorageException>(() => ImageFiles.Open(path, Raw));
        Assert.Throws<StorageException>(() => one.Write(0, new byte[512]));
    }

    [Test]
    public void Recognized_raw_images_stay_raw()
    {
        string path = Create(Raw, 100);
        byte[] forged = new byte[1024];
        "QFI\xFB"u8[..3].CopyTo(forged);
        forged[3] = 0xFB;
        byte[] footer = new byte[512];
        "conectix"u8.CopyTo(footer);
        using (BlockImage image = ImageFiles.Open(path))
        {
            Assert.That(Assert.Throws<StorageException>(() => image.Write(0, forged))!.Message, Does.Contain("format=raw"));
            Assert.Throws<StorageException>(() => image.Write(99, footer));
            image.Write(1, forged.AsSpan(0, 512));
            image.Write(98, footer);
        }

        using BlockImage allowed = ImageFiles.Open(path, Raw);
        allowed.Write(0, forged);
    }

    [Test]
    public void Missing_files_and_directories_are_named()
    {
        Assert.That(Assert.Throws<StorageException>(() => ImageFiles.Open(Path.Combine(_directory, "none.img")))!.Message, Does.EndWith("none.img: no such file"));
        Assert.That(Assert.Throws<StorageException>(() => ImageFiles.Open(_directory))!.Message, Does.EndWith("is a directory"));
        string clone = Path.Combine(_directory, "clone.qcow2");
        ImageFiles.Create(clone, Qcow, 10, new ImageCreation { BackingFile = "none.img", BackingFormat = Raw });
        Assert.That(Assert.Throws<StorageException>(() => ImageFiles.Open(clone))!.Message, Does.Contain("backing file").And.Contain("none.img: no such file"));
        ImageFiles.Create(clone, Qcow, 10, new ImageCreation { BackingFile = "clone.qcow2", BackingFormat = Qcow, Overwrite = true });
        Assert.Throws<StorageException>(() => ImageFiles.Open(clone, readOnly: true));
        Assert.Throws<StorageException>(() => ImageFiles.Create(clone, Qcow, 10, new ImageCreation()));
    }

    /// <summary>Damaged images, with EMULATOR_FUZZ_ROUNDS=10000 as many a format: a clear error, or an image that works somehow; nothing else.</summary>
    [TestCase(Qcow, 16)]
    [TestCase(SmallQcow, 9)]
    [TestCase(Vmdk, 16)]
    [TestCase(FlatVmdk, 16)]
    [TestCase(Vhd, 16)]
    [TestCase(FixedVhd, 16)]
    public void Damaged_images_are_refused_or_survived(string kind, int areaBits)
    {
        string path = Create(kind, 340);
        Random random = new(FuzzSeed.Value);
        using (BlockImage image = ImageFiles.Open(path))
        {
            byte[] data = new byte[20 * 512];
            random.NextBytes(data);
            image.Write(0, data);
            image.Write(250, data);
        }

        byte[] good = File.ReadAllBytes(path);
        string victim = Path.Combine(_directory, "victim.img");
        byte[] buffer = new byte[64 * 512];
        int refused = 0;
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("EMULATOR_FUZZ_ROUNDS"), out int wanted) ? wanted : 1000;
        for (int i = 0; i < rounds; i++)
        {
            byte[] bytes = (byte[])good.Clone();
            for (int j = random.Next(3); j >= 0; j--)
            {
                // Headers are at the start, tables at the start of a cluster, a footer at the end.
                int at = random.Next(8) switch
                {
                    0 => random.Next(bytes.Length),
                    1 => Math.Max(0, bytes.Length - 1 - random.Next(512)),
                    2 or 3 => Math.Min(bytes.Length - 1, (random.Next(Math.Max(1, bytes.Length >> areaBits)) << areaBits) + random.Next(64)),
                    4 => random.Next(Math.Min(bytes.Length, 2048)),
                    _ => random.Next(Math.Min(bytes.Length, 128)),
                };
                bytes[at] = random.Next(3) switch
                {
                    0 => (byte)random.Next(256),
                    1 => 0xFF,
                    _ => (byte)(bytes[at] ^ (1 << random.Next(8))),
                };
            }

            Array.Resize(ref bytes, random.Next(20) == 0 ? random.Next(bytes.Length) : bytes.Length);
            File.WriteAllBytes(victim, bytes);
            try
            {
                using BlockImage image = ImageFiles.Open(victim, random.Next(2) == 0 ? null : kind.Split(' ')[0]);
                for (int access = 0; access < 6 && image.SectorCount > 0; access++)
                {
                    int count = (int)Math.Min(1 + random.Next(64), image.SectorCount);
                    long sector = access switch
                    {
                        0 => 0,
                        1 => image.SectorCount - count,
                        _ => random.NextInt64(Math.Min(image.SectorCount - count + 1, access < 4 ? 340 : long.MaxValue)),
                    };
                    if (random.Next(2) == 0)
                    {
                        image.Read(sector, buffer.AsSpan(0, count * 512));
                    }
                    else
                    {
                        image.Write(sector, buffer.AsSpan(0, count * 512));
                    }
                }

                if (image is QcowImage qcow && random.Next(4) == 0)
                {
                    qcow.Check();
                }
            }
            catch (StorageException e)
            {
                Assert.That(e.Message, Does.Contain(_directory));
                refused++;
            }
        }

        TestContext.Out.WriteLine($"{refused} of {rounds} refused");
        Assert.That(refused, Is.GreaterThan(rounds / 200));
    }

    private static (long First, int Count) RandomWrite(Random random, BlockImage image, byte[] expected)
    {
        int sectors = (int)Math.Min(expected.Length / 512, image.SectorCount);
        int count = 1 + random.Next(random.Next(4) == 0 ? 400 : 20);
        int first = random.Next(sectors - count);
        Span<byte> span = expected.AsSpan(first * 512, count * 512);
        random.NextBytes(span);
        image.Write(first, span);
        return (first, count);
    }

    private static void RandomRead(Random random, BlockImage image, byte[] expected)
    {
        int count = 1 + random.Next(300);
        int first = random.Next((expected.Length / 512) - count);
        byte[] data = new byte[count * 512];
        image.Read(first, data);
        Assert.That(data.AsSpan().SequenceEqual(expected.AsSpan(first * 512, data.Length)), Is.True, $"sectors {first} to {first + count - 1}");
    }

    private string Create(string kind, long sectors)
    {
        string path = Path.Combine(_directory, "disk.img");
        if (kind == SmallQcow)
        {
            QcowImage.Create(path, sectors, null, null, overwrite: false, clusterBits: 9);
        }
        else
        {
            ImageFiles.Create(path, kind.Split(' ')[0], sectors, new ImageCreation { IsFlat = kind.EndsWith("flat", StringComparison.Ordinal), Id = new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) });
        }

        return path;
    }

    /// <summary>qemu-img, where it is installed, says the same.</summary>
    private void CompareWithQemu(string kind, string path, byte[] expected)
    {
        string raw = Path.Combine(_directory, "expected.raw");
        File.WriteAllBytes(raw, expected);
        string format = kind.Split(' ')[0];
        Assert.That(Qemu("compare", "-f", "raw", "-F", format, raw, path), Is.Zero);
        if (format == Qcow)
        {
            Assert.That(Qemu("check", "-f", Qcow, path), Is.Zero);
        }
    }

    private static int Qemu(params string[] arguments)
    {
        const string Program = "/usr/bin/qemu-img";
        return File.Exists(Program) ? Run(Program, arguments) : 0;
    }

    private static int Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        TestContext.Out.Write(process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd());
        process.WaitForExit();
        return process.ExitCode;
    }
}
