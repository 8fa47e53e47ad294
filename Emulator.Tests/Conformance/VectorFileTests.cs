using System.IO.Compression;
using NUnit.Framework;

namespace Emulator.Tests.Conformance;

[TestFixture]
internal sealed class VectorFileTests
{
    [Test]
    public void A_file_that_is_cut_off_or_garbled_is_invalid_data()
    {
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, "garbled.vec.gz");
        Random random = new(7);
        for (int length = 0; length < 200; length += 3)
        {
            byte[] bytes = new byte[length];
            random.NextBytes(bytes);
            "X86VEC01"u8[..Math.Min(8, length)].CopyTo(bytes);
            if (length > 12)
            {
                BitConverter.TryWriteBytes(bytes.AsSpan(8), length % 2 == 0 ? 2 : length);
                "{}"u8[..Math.Min(2, length - 12)].CopyTo(bytes.AsSpan(12));
            }

            using (GZipStream gzip = new(File.Create(path), CompressionLevel.Fastest))
            {
                gzip.Write(bytes);
            }

            Exception? error = Assert.Catch(() => ReadAll(path), $"{length} bytes");
            Assert.That(error, Is.InstanceOf<InvalidDataException>().Or.InstanceOf<System.Text.Json.JsonException>(), $"{length} bytes");
        }

        File.Delete(path);
    }

    private static void ReadAll(string path)
    {
        VectorFile file = VectorFile.Open(path);
        while (file.Read())
        {
        }
    }
}
